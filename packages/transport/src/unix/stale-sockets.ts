import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { currentUser, inspectPath } from "../fs/path-entry.js";
import { machineDirectories, userDirectory } from "../fs/user-directory.js";
import { errnoOf, throwTransportError } from "../node-error.js";
import { assertKnownOptions, assertPlace } from "../option-check.js";
import type { AbortOptions } from "../transport.js";
import { assertNotAborted } from "../transport-error.js";
import { isAnswering } from "./probe.js";
import { unlinkSocket } from "./socket-file.js";
import { SocketLock } from "./takeover-lock.js";

export interface StaleSocketOptions extends AbortOptions {
  /** The directory of the socket files, as for servers. @default "/tmp" */
  readonly directory?: string;
  /** The first characters of the names of the servers, such as "worker-": at least one. */
  readonly prefix: string;
}

/**
 * Removes the socket files that killed servers of this user have left, and resolves with their paths. A server that starts under a
 * name of its own in each run leaves a file that no later start replaces.
 *
 * Only sockets `<directory>/<prefix>….sock` of this user behind which no server answers are removed, each under the lock that
 * servers take. On Windows there are none.
 *
 * Rejects with TypeError, `IPC_PERMISSION_DENIED`, `IPC_TRANSPORT_FAILED`, `IPC_ABORTED`; with `IPC_ADDRESS_IN_USE` when another
 * user has the lock of such a file.
 */
export async function removeStaleSockets(options: StaleSocketOptions): Promise<string[]> {
  assertKnownOptions(options, ["directory", "prefix", "signal"], "removeStaleSockets()");
  const { directory = "/tmp", prefix, signal } = options;
  assertPlace(directory, "directory");
  assertPlace(prefix, "prefix");
  if (process.platform === "win32") return [];
  const place = directory === "user" ? userDirectory(machineDirectories()) : resolve(directory);
  const removed: string[] = [];
  try {
    for (const name of namesIn(place)) {
      if (!name.startsWith(prefix) || !name.endsWith(".sock")) continue;
      const path = join(place, name);
      if (await removeIfStale(path, signal)) removed.push(path);
    }
  } catch (error) {
    const whenDenied = `give this user the right to write to ${place}`;
    throwTransportError(error, { doing: "clear", address: place, whenDenied, signal });
  }
  return removed;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function removeIfStale(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  assertNotAborted(signal, `removing ${path}`);
  // Without the lock, because most of them are alive.
  if (!(await isStale(path, signal))) return false;
  const lock = await SocketLock.acquire(path, signal);
  try {
    const found = inspectPath(path);
    const isStillStale = await isStale(path, signal);
    return found.kind === "socket" && isStillStale && lock.isHeld() && unlinkSocket(path, found);
  } finally {
    lock.release();
  }
}

async function isStale(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  const found = inspectPath(path);
  return found.kind === "socket" && found.owner === currentUser() && !(await isAnswering(path, signal));
}
