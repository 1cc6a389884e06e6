// Entry point @ipc/server/internal: the API that @ipc/manager uses. It is outside semantic versioning: a patch release may
// change or remove every name in it.
export { type AcceptHandler, HandshakeAcceptor } from "./handshake-acceptor.js";
export { KeyRing } from "./key-ring.js";
export { leastAdvanced } from "./least-advanced.js";
export { type ResolvedServerOptions, resolveServerOptions, SERVER_OPTIONS } from "./server-options.js";
