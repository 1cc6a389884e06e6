export { assertName, type NameError } from "./endpoint.js";
export { memory } from "./memory/memory.js";
export { memoryPair } from "./memory/memory-stream.js";
export { type InheritedOptions, inherited } from "./net/inherited.js";
export { type TcpOptions, tcp } from "./net/tcp.js";
export type { AbortOptions, Endpoint, Listener, ListenOptions, Transport } from "./transport.js";
export { TransportError, type TransportErrorCode } from "./transport-error.js";
export { removeStaleSockets, type StaleSocketOptions } from "./unix/stale-sockets.js";
export { type UnixSocketOptions, unixSocket } from "./unix/unix-socket.js";
