import { chmodSync, lstatSync, mkdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import { currentUser, kindOf } from "./socket-file.js";

const PRIVATE = 0o700;

/**
 * Ensures that `directory` exists. An existing one is left as it is. A missing one is created for this user alone and checked
 * again, because another user may have been faster in a parent that both can write.
 *
 * @throws TransportError `IPC_PERMISSION_DENIED` when the new directory differs from how it was created
 */
export function ensureDirectory(directory: string): void {
  if (statSync(directory, { bigint: true, throwIfNoEntry: false })?.isDirectory()) return;
  mkdirSync(dirname(directory), { recursive: true, mode: PRIVATE });
  try {
    mkdirSync(directory, { mode: PRIVATE });
  } catch (error) {
    // Another server has created it meanwhile; treat it as a directory that existed before.
    if (errnoOf(error) === "EEXIST" && statSync(directory, { bigint: true }).isDirectory()) return;
    throw error;
  }
  const made = lstatSync(directory, { bigint: true });
  const mode = Number(made.mode & 0o777n);
  if (!made.isDirectory() || Number(made.uid) !== currentUser() || mode !== PRIVATE) {
    throw new TransportError(
      "IPC_PERMISSION_DENIED",
      `${directory} was made with mode 0700 and is now ${kindOf(made)} of user ${made.uid} with mode 0${mode.toString(8)}; choose a \`directory\` that no other user can write, and check the umask`,
    );
  }
}

/** Attempts to find a free name; with at least 36^3 names, the hundredth failure is no accident. */
const MAX_ATTEMPTS = 100;
/** Digits of the subdirectory's name, in base 36. */
const MAX_DIGITS = 8;

/**
 * A new 0700 subdirectory beside the final path, in which the socket is bound before any other user can reach it.
 *
 * ```
 * final    /tmp/orders.sock        bytes after "/tmp/": L, at least 6 (`a.sock`)
 * staged   /tmp/.k3x9q2ab/~        bytes after "/tmp/": 1 + digits + 2, digits = min(8, L - 3), so never more than L
 * ```
 * The length check of the final path therefore covers this one too. A server name never starts with a dot.
 */
export class StagingDirectory {
  /** The path to bind. */
  readonly socket: string;

  private constructor(path: string) {
    // Node unlinks the bound path again when the server closes, long after the directory was removed. If another user has put a
    // directory or a link of that name there, only a file called `~` in it can be removed.
    this.socket = `${path}/~`;
  }

  /** Creates the directory. Throws Node's error. */
  static make(socketPath: string): StagingDirectory {
    const digits = Math.min(MAX_DIGITS, basename(socketPath).length - 3);
    for (let attempt = 1; ; attempt++) {
      const number = Math.floor(Math.random() * 36 ** digits);
      const path = `${dirname(socketPath)}/.${number.toString(36).padStart(digits, "0")}`;
      try {
        mkdirSync(path, { mode: PRIVATE });
        return new StagingDirectory(path);
      } catch (error) {
        if (errnoOf(error) !== "EEXIST" || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  /** Sets the socket's mode, whatever the umask is. */
  setMode(mode: number): void {
    chmodSync(this.socket, mode);
  }

  /** Removes the socket's temporary name and the directory. Never throws: neither failure is a reason to fail a server. */
  remove(): void {
    for (const remove of [() => unlinkSync(this.socket), () => rmdirSync(dirname(this.socket))]) {
      try {
        remove();
      } catch {
        // Removed already (Node unlinks the name when a server closes), or replaced together with its parent.
      }
    }
  }
}
