import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { messageOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import { currentUser } from "./path-entry.js";

/** The machine's directories for a logged-in user's files and for temporary files. */
export interface MachineDirectories {
  readonly runtime: string | undefined;
  readonly temporary: string;
}

/**
 * Reads the environment, which nothing else in the library does: both sides must find the same directory without an option that
 * names it.
 *
 * @throws TransportError `IPC_PERMISSION_DENIED`
 */
export function machineDirectories(): MachineDirectories {
  try {
    return { runtime: process.env["XDG_RUNTIME_DIR"], temporary: tmpdir() };
  } catch (cause) {
    // Deno asks for a permission.
    throw new TransportError(
      "IPC_PERMISSION_DENIED",
      `this process may not read XDG_RUNTIME_DIR and TMPDIR (${messageOf(cause)}); start Deno with --allow-env, or name a directory`,
      { cause },
    );
  }
}

/**
 * Returns the private directory of this user, for key files and for sockets: `$XDG_RUNTIME_DIR/ipc`, or `<os.tmpdir()>/ipc-<uid>`
 * if that variable is unset, empty or relative. Accesses no file.
 *
 * @see XDG Base Directory Specification: a relative path in the variable is to be ignored
 */
export function userDirectory({ runtime, temporary }: MachineDirectories): string {
  return runtime !== undefined && isAbsolute(runtime)
    ? join(runtime, "ipc")
    : join(resolve(temporary), `ipc-${currentUser()}`);
}
