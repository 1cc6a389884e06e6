// Entry point @ipc/transport/key-file: private files that hold a pre-shared key.
export { ensureKeyFile, readKeyFile } from "./key-file.js";
export { type KeyFilePlace, resolveKeyFile } from "./key-file-place.js";
