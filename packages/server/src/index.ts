export {
  type CloseOptions,
  type ConnectionEvent,
  type ConnectionSecurity,
  type DataMessage,
  type DisconnectEvent,
  type IpcError,
  type IpcErrorCode,
  isIpcError,
  type Logger,
  type Peer,
  type PeerEvents,
  type PeerStats,
  type RefusedEvent,
  type SecurityOptions,
  type Status,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
} from "@ipc/session";
export {
  type AbortOptions,
  type Endpoint,
  type Listener,
  type ListenOptions,
  memory,
  type TcpOptions,
  type Transport,
  tcp,
  type UnixSocketOptions,
  unixSocket,
} from "@ipc/transport";
export { type AcceptHandler, HandshakeAcceptor, type HandshakeAcceptorOptions } from "./handshake-acceptor.js";
export { type Server, type ServerEvents, startServer } from "./server.js";
export { serverCredentials } from "./server-credentials.js";
export {
  type AuthorizationRequest,
  type Authorize,
  type ResolvedServerOptions,
  resolveServerOptions,
  SERVER_OPTIONS,
  type ServerOptions,
} from "./server-options.js";
