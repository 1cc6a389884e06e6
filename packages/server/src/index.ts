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
export { type Entrance, Reception, type ReceptionOptions } from "./reception.js";
export { type Server, type ServerEvents, startServer } from "./server.js";
export { serverCredentials } from "./server-credentials.js";
export {
  type Applicant,
  type Authorize,
  type ResolvedServerOptions,
  resolveServerOptions,
  SERVER_OPTIONS,
  type ServerOptions,
} from "./server-options.js";
