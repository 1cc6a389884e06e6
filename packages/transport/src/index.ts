export { assertName, type NameError } from "./endpoint.js";
export { memory } from "./memory.js";
export { memoryPair } from "./memory-stream.js";
export { remoteOf } from "./remote-address.js";
export { type TcpOptions, tcp } from "./tcp.js";
export type { Door, Listener, ListenOptions, Transport, Wait } from "./transport.js";
export { TransportError, type TransportErrorCode } from "./transport-error.js";
export { type UnixSocketOptions, unixSocket } from "./unix-socket.js";
