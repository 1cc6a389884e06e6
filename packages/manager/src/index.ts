export type { AuthorizationRequest, Authorize, ServerOptions } from "@ipc/server";
export {
  type CloseOptions,
  type ConnectionEvent,
  type ConnectionSecurity,
  type DataMessage,
  type DisconnectEvent,
  type DrainOptions,
  type EventListener,
  type IpcError,
  type IpcErrorCode,
  isConnectionError,
  isIpcError,
  type Logger,
  type MessageIterator,
  type Peer,
  type PeerEvents,
  type PeerStats,
  type RefusedEvent,
  type RelistedEvent,
  type ResumedNews,
  type ResumeOptions,
  type SecurityOptions,
  type SessionLostCode,
  SessionLostError,
  type SilenceEvent,
  type Status,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
  type UndeliveredMessage,
  type WriteOptions,
} from "@ipc/session";
export {
  type AbortOptions,
  type ChildProcessLike,
  type ChildProcessOptions,
  childProcess,
  type DialOptions,
  type Endpoint,
  type InheritedOptions,
  inherited,
  type Listener,
  type ListenOptions,
  type MessagePortLike,
  memory,
  messagePort,
  type ParentProcessOptions,
  parentProcess,
  removeStaleSockets,
  type StaleSocketOptions,
  type TcpOptions,
  type Transport,
  tcp,
  type UnixSocketOptions,
  unixSocket,
} from "@ipc/transport";
export type { BroadcastOptions, BroadcastResult } from "./broadcast.js";
export type { ManagerStats } from "./connection-registry.js";
export type { ManagerOptions } from "./manager-options.js";
export type { ServerManagerEvents } from "./manager-reader.js";
export type { Delivery } from "./merged-stream.js";
export type { PollCallback } from "./poll.js";
export type { ServerConnection } from "./server-connection.js";
export { type ServerManager, startServerManager } from "./server-manager.js";
