import { mkdirSync, rmdirSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { maxPathBytes } from "../endpoint.js";
import { HeldEntry } from "../fs/held-entry.js";
import { currentUser, isOwnerOnly, kindOf } from "../fs/path-entry.js";
import { errnoOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import { randomDigits } from "./socket-file.js";

/** Attempts to find a free name; with at least 36^3 names, the hundredth failure is no accident. */
const MAX_ATTEMPTS = 100;

/**
 * A new 0700 subdirectory beside the final path, in which the socket is bound before any other user can reach it.
 *
 * On Linux the directory and its parent are held by descriptors, and the socket is bound, looked at and named through them; the
 * path is short. Elsewhere the staged path must fit where the final one fits:
 *
 * ```
 * final    /tmp/orders.sock          bytes after "/tmp/": L, at least 6 (`a.sock`)
 * staged   /tmp/.3w5e11264sgsf/~     bytes after "/tmp/": 1 + digits + 2, digits = 13 or as many as the limit allows, at least L - 3
 * ```
 * A server name never starts with a dot.
 */
export class StagingDirectory {
  /** The path of the parent: through its descriptor, if it has one; otherwise as given, because its length was checked. */
  readonly parent: string;
  /** The path to bind. */
  readonly socket: string;
  readonly #name: string;
  readonly #held: HeldEntry;

  private constructor(parent: string, name: string, held: HeldEntry) {
    this.parent = parent;
    this.#name = name;
    this.#held = held;
    // Node unlinks the bound path again when the server closes, long after the directory was removed. If another user has put a
    // directory or a link of that name there, only a file called `~` in it can be removed.
    this.socket = `${held.path}/~`;
  }

  /**
   * Creates the directory. Throws Node's error.
   *
   * @param parent is used through its descriptor; where it has none, `dirname(socketPath)` is used
   * @throws TransportError `IPC_UNTRUSTED_SOCKET` when another user has exchanged it already
   */
  static make(parent: HeldEntry, socketPath: string): StagingDirectory {
    const directory = parent.isHeld ? parent.path : dirname(socketPath);
    for (let attempt = 1; ; attempt++) {
      const name = `${directory}/.${parent.isHeld ? randomDigits() : fittingDigits(socketPath)}`;
      try {
        mkdirSync(name, { mode: 0o700 });
      } catch (error) {
        if (errnoOf(error) !== "EEXIST" || attempt === MAX_ATTEMPTS) throw error;
        continue;
      }
      const held = openMade(name);
      if (held !== undefined && isPrivate(held)) return new StagingDirectory(directory, name, held);
      held?.close();
      throw new TransportError(
        "IPC_UNTRUSTED_SOCKET",
        `${join(dirname(socketPath), basename(name))} was made for this user alone and is now ${held === undefined ? "gone" : `${kindOf(held.stats)} of user ${held.stats.uid}`}; choose a \`directory\` that no other user can write`,
      );
    }
  }

  /** Removes the socket's temporary name and the directory. Never throws: neither failure is a reason to fail a server. */
  remove(): void {
    removeQuietly(() => unlinkSync(this.socket));
    removeQuietly(() => rmdirSync(this.#name));
  }

  /** Frees the descriptor, after the server is closed: until then `socket` must lead nowhere else. */
  close(): void {
    this.#held.close();
  }
}

/** Returns as many random digits as fit into the staged path where the directory has no descriptor. */
function fittingDigits(socketPath: string): string {
  const spare = maxPathBytes(process.platform) - Buffer.byteLength(`${dirname(socketPath)}/./~`);
  return randomDigits().slice(-Math.max(spare, basename(socketPath).length - 3));
}

/** Opens the new directory. Removes it if that fails, for example without descriptors; another one is not removed unless empty. */
function openMade(name: string): HeldEntry | undefined {
  try {
    return HeldEntry.open(name);
  } catch (error) {
    removeQuietly(() => rmdirSync(name));
    throw error;
  }
}

function removeQuietly(remove: () => void): void {
  try {
    remove();
  } catch {
    // Removed already (Node unlinks the name when a server closes), or replaced together with its parent.
  }
}

function isPrivate({ stats }: HeldEntry): boolean {
  return stats.isDirectory() && Number(stats.uid) === currentUser() && isOwnerOnly(stats);
}
