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
export { type Client, startClient } from "./client.js";
export type { ClientOptions } from "./client-options.js";
