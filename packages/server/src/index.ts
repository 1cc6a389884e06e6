export {
  type CloseOptions,
  type ConnectionEvent,
  type ConnectionSecurity,
  type DataMessage,
  type DisconnectEvent,
  type EventListener,
  type IpcError,
  type IpcErrorCode,
  isIpcError,
  type Logger,
  type MessageIterator,
  type Peer,
  type PeerEvents,
  type PeerStats,
  type RefusedEvent,
  type RelistedEvent,
  type SecurityOptions,
  type SilenceEvent,
  type Status,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
} from "@ipc/session";
export type { ConnectionNews, EndNews, RefusalNews } from "@ipc/session/internal";
export {
  type AbortOptions,
  type Endpoint,
  type InheritedOptions,
  inherited,
  type Listener,
  type ListenOptions,
  memory,
  removeStaleSockets,
  type StaleSocketOptions,
  type TcpOptions,
  type Transport,
  tcp,
  type UnixSocketOptions,
  unixSocket,
} from "@ipc/transport";
export type { Door, Wait } from "@ipc/transport/internal";
export { type Server, type ServerEvents, startServer } from "./server.js";
export type {
  Applicant,
  AuthorizationRequest,
  Authorize,
  ServerOptions,
} from "./server-options.js";
