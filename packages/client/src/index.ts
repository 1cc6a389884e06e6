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
  type Listener,
  type ListenOptions,
  memory,
  type TcpOptions,
  type Transport,
  tcp,
  type UnixSocketOptions,
  unixSocket,
} from "@ipc/transport";
export type { Door, Wait } from "@ipc/transport/internal";
export { type Client, startClient } from "./client.js";
export type { ClientOptions } from "./client-options.js";
