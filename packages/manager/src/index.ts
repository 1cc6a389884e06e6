export type { Applicant, Authorize, ServerOptions } from "@ipc/server";
export {
  type CloseOptions,
  type ConnectionNews,
  type ConnectionSecurity,
  type DataMessage,
  type EndNews,
  type IpcError,
  type IpcErrorCode,
  isIpcError,
  type Logger,
  type Peer,
  type PeerEvents,
  type PeerStats,
  type RefusalNews,
  type SecurityOptions,
  type Status,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
} from "@ipc/session";
export {
  type Door,
  type Listener,
  type ListenOptions,
  memory,
  type TcpOptions,
  type Transport,
  tcp,
  type UnixSocketOptions,
  unixSocket,
  type Wait,
} from "@ipc/transport";
export type { BroadcastOptions, BroadcastResult } from "./broadcast.js";
export type { ManagerOptions } from "./manager-options.js";
export type { ServerManagerEvents } from "./manager-reader.js";
export type { Delivery } from "./member.js";
export type { PollCallback } from "./poll.js";
export type { ServerConnection } from "./server-connection.js";
export { type ManagerStats, type ServerManager, startServerManager } from "./server-manager.js";
