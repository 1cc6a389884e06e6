export { type ConnectionNews, channels, type EndNews, type RefusalNews } from "./channels.js";
export { dropStream, endStream } from "./end-stream.js";
export { type IpcError, type IpcErrorCode, isIpcError } from "./errors.js";
export {
  BUSY_HELLO,
  type ClientWants,
  clientHandshake,
  type Handshake,
  type HandshakeAnswer,
  type HandshakeStep,
  type Negotiated,
  type ServerWants,
  serverHandshake,
} from "./handshake.js";
export type { Logger } from "./logger.js";
export { type DataMessage, type StatusMessage, type TimeoutMessage, timeoutMessage } from "./message.js";
export { OptionReader, show } from "./option-reader.js";
export type { CloseOptions, ConnectionSecurity, Peer, PeerEvents, PeerStats } from "./peer.js";
export { PEER_OPTIONS, type PeerOptions, type ResolvedPeerOptions, resolvePeerOptions } from "./peer-options.js";
export { type Established, type PeerLimits, PeerSession, type PeerStart } from "./peer-session.js";
export type { Protection } from "./protection.js";
export { type HandshakeResult, type HandshakeRun, runHandshake } from "./run-handshake.js";
export { openSession, type Session, type SessionOptions } from "./session.js";
export { SessionError, type SessionErrorCode } from "./session-error.js";
export { type Status, statusCode } from "./status.js";
export { setStreamReferenced } from "./stream-reference.js";
export { abortError } from "./waiter.js";
