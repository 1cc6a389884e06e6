export type {
  ConnectionEvent,
  DisconnectEvent,
  Logger,
  RefusedEvent,
  RelistedEvent,
  SilenceEvent,
  WaitingEvent,
} from "./diagnostics.js";
export {
  type IpcError,
  type IpcErrorCode,
  isConnectionError,
  isIpcError,
  SessionError,
  type SessionErrorCode,
  type SessionLostCode,
  SessionLostError,
  type UndeliveredMessage,
} from "./errors.js";
export type { MessageIterator } from "./inbox/async-iterator.js";
export type { EventListener } from "./lifecycle/peer-emitter.js";
export { openSession, Session, type SessionOptions } from "./lifecycle/session.js";
export {
  type DataMessage,
  type Status,
  type StatusMessage,
  statusCode,
  type TimeoutMessage,
  timeoutMessage,
  type WriteOptions,
} from "./message.js";
export type { PeerOptions } from "./options/peer-options.js";
export type { SecurityOptions } from "./options/security-options.js";
export type { CloseOptions, DrainOptions, Peer, PeerEvents, PeerStats, ResumedNews } from "./peer.js";
export type { ReconnectOptions, ResumeOptions } from "./resume/resume-options.js";
export type { ConnectionSecurity } from "./security.js";
