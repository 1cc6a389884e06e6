// Entry point @ipc/transport/internal: the exports that other packages of this repository use. It is outside semantic
// versioning: a patch release may change or remove every name in it.
export { addAbortListener, followSignal, removeAbortListener } from "./abort-listeners.js";
export { remoteOf } from "./net/connect.js";
export { formatValue } from "./option-check.js";
