import { join, resolve } from "node:path";
import { assertName } from "../endpoint.js";
import { type MachineDirectories, machineDirectories, userDirectory } from "../fs/user-directory.js";
import { assertPlace, formatValue } from "../option-check.js";
import { TransportError } from "../transport-error.js";

/** The location of a server's key file, resolved once. */
export interface KeyFilePlace {
  readonly path: string;
  /** `private`: the library's own, created if missing and closed to other users; `given`: the caller's, never created. */
  readonly directory: "private" | "given";
}

/**
 * Returns the location of the key file of the server `name`: `$XDG_RUNTIME_DIR/ipc/<name>.key`, or
 * `<os.tmpdir()>/ipc-<uid>/<name>.key` if that variable is unset, empty or relative. Both sides must run with the same
 * XDG_RUNTIME_DIR and TMPDIR, or pass the same path. Accesses no file.
 *
 * @param keyFile true for that location; a path, made absolute at once, for another file, whose directory must exist
 * @throws TypeError for a `keyFile` that is neither; with the code `IPC_NAME_INVALID` for a wrong name
 * @throws TransportError `IPC_KEY_FILE_UNTRUSTED` on Windows, whatever the path: Node shows neither the owner of a file there
 * nor its access rights, so no key file could be checked
 */
export function resolveKeyFile(
  name: string,
  keyFile: true | string,
  machine: MachineDirectories = machineDirectories(),
): KeyFilePlace {
  assertName(name);
  if (keyFile !== true && typeof keyFile !== "string") {
    throw new TypeError(`\`keyFile\` must be true or a path, got ${formatValue(keyFile)}`);
  }
  if (keyFile !== true) assertPlace(keyFile, "keyFile");
  if (process.platform === "win32") {
    throw new TransportError(
      "IPC_KEY_FILE_UNTRUSTED",
      "key files are not supported on Windows, because Node.js cannot tell which users may read a file; pass the same `psk` on both sides",
    );
  }
  if (keyFile !== true) return Object.freeze({ path: resolve(keyFile), directory: "given" });
  return Object.freeze({ path: join(userDirectory(machine), `${name}.key`), directory: "private" });
}
