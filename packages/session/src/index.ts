export { type ConnectionNews, channels, type EndNews, type RefusalNews } from "./channels.js";
export { clientIdRequest, encodeClientId, isClientIdRequest, tryDecodeClientId } from "./client-id-protocol.js";
export { type Credentials, withPsk } from "./credentials.js";
export { describeSecurity } from "./describe-security.js";
export { dropStream, endStream } from "./end-stream.js";
export { type IpcError, type IpcErrorCode, isIpcError } from "./errors.js";
export {
  BUSY_HELLO,
  type ClientWants,
  clientHandshake,
  type Negotiated,
  type ServerWants,
  serverHandshake,
} from "./handshake.js";
export type { Handshake, HandshakeAnswer, HandshakeStep } from "./handshake-step.js";
export { type Iteration, type IterationSource, iterate } from "./iteration.js";
export { KeyPairStock } from "./key-pair-stock.js";
export type { LendableInbox } from "./lendable-inbox.js";
export type { Logger } from "./logger.js";
export {
  type DataMessage,
  type ReceivedMessage,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
} from "./message.js";
export { OptionReader, show } from "./option-reader.js";
export type { CloseOptions, ConnectionSecurity, Peer, PeerEvents, PeerStats } from "./peer.js";
export { assertListener, findCloseFault, findDelayFault, findWaitFault, findWriteFault } from "./peer-arguments.js";
export { type Listener, PeerEmitter } from "./peer-emitter.js";
export { PEER_OPTIONS, type PeerOptions, type ResolvedPeerOptions, resolvePeerOptions } from "./peer-options.js";
export { PeerSession } from "./peer-session.js";
export type { Established, PeerBudgets, PeerLimits, PeerStart } from "./peer-start.js";
export type { Protection } from "./protection.js";
export { type HandshakeResult, type HandshakeRun, runHandshake } from "./run-handshake.js";
export type { ResolvedSecurity, SecurityOptions } from "./security-options.js";
export { openSession, Session, type SessionOptions } from "./session.js";
export { SessionError, type SessionErrorCode } from "./session-error.js";
export { SharedBudget } from "./shared-budget.js";
export { type Status, statusCode } from "./status.js";
export { setStreamReferenced } from "./stream-reference.js";
export { takenError } from "./taken-error.js";
export { abortError, rejected, Waiter, within } from "./waiter.js";
