export { clientIdRequest, encodeClientId, isClientIdRequest, tryDecodeClientId } from "./client-id-protocol.js";
export type { MessageCodec } from "./codec/frame-codec.js";
export { abortError, Deferred, handledRejection, settleWithin } from "./deferred.js";
export { type ConnectionEvent, type DisconnectEvent, diagnostics, type RefusedEvent } from "./diagnostics.js";
export { type IpcError, type IpcErrorCode, isIpcError } from "./errors.js";
export { type Credentials, withPsk } from "./handshake/credentials.js";
export {
  BUSY_HELLO,
  type ClientHandshakeOptions,
  clientHandshake,
  type HandshakeOutcome,
  type ServerHandshakeOptions,
  serverHandshake,
} from "./handshake/handshake.js";
export { KeyPairPool } from "./handshake/key-pair-pool.js";
export { type HandshakeResult, type HandshakeRun, runHandshake } from "./handshake/run-handshake.js";
export type { Handshake, HandshakeAnswer, HandshakeStep } from "./handshake/steps.js";
export { type IterationSource, iterate, type MessageIterator } from "./inbox/async-iterator.js";
export type { LockableInbox } from "./inbox/lockable-inbox.js";
export { type EventListener, PeerEmitter } from "./lifecycle/peer-emitter.js";
export { PeerSession } from "./lifecycle/peer-session.js";
export type { EstablishedConnection, PeerBudgets, PeerLimits, PeerStart } from "./lifecycle/peer-start.js";
export { openSession, Session, type SessionOptions } from "./lifecycle/session.js";
export type { Logger } from "./logger.js";
export {
  type DataMessage,
  type ReceivedMessage,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
} from "./message.js";
export {
  assertListener,
  validateAbortOptions,
  validateCloseOptions,
  validateDelay,
  validateWrite,
} from "./options/call-arguments.js";
export { formatValue, OptionReader } from "./options/option-reader.js";
export {
  PEER_OPTIONS,
  type PeerOptions,
  type ResolvedPeerOptions,
  resolvePeerOptions,
} from "./options/peer-options.js";
export type { ResolvedSecurity, SecurityOptions } from "./options/security-options.js";
export type { CloseOptions, ConnectionSecurity, Peer, PeerEvents, PeerStats } from "./peer.js";
export { describeSecurity } from "./security.js";
export { SessionError, type SessionErrorCode } from "./session-error.js";
export { SharedBudget } from "./shared-budget.js";
export { type Status, statusCode } from "./status.js";
export { closeGracefully, destroyStream } from "./stream-close.js";
export { setStreamReferenced } from "./stream-reference.js";
export { consumerTakenError } from "./taken-error.js";
