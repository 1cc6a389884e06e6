// Entry point @ipc/transport/internal: the exports that other packages of this repository use. It is outside semantic
// versioning: a patch release may change or remove every name in it.
export { addAbortListener, followSignal, removeAbortListener } from "./abort-listeners.js";
export { socketPath } from "./endpoint.js";
export { isTrustedOwner, walkDirectory } from "./fs/directory-walk.js";
export { currentUser, formatMode, isOwnerOnly, isReplaceable, kindOf } from "./fs/path-entry.js";
export { machineDirectories, userDirectory } from "./fs/user-directory.js";
export { forgetsWritten, guardStream, hasOneReader, remoteOf } from "./net/connect.js";
export { messageOf } from "./node-error.js";
export { assertBoolean, assertInteger, assertKnownOptions, formatValue } from "./option-check.js";
export { assertNotAborted } from "./transport-error.js";
export { findSocketHolders, isAnswering, readListeningSockets } from "./unix/probe.js";
export { findManagerOfSlot } from "./unix/slot-owner.js";
export { lockPath } from "./unix/takeover-lock.js";
export { WindowedStream, type WindowSizes } from "./windowed-stream.js";
