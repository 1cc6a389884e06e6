import { linkSync, renameSync, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import { dirname, join } from "node:path";
import { type FileIdentity, inspectPath } from "../fs/path-entry.js";
import { isOwnFile, randomDigits } from "./socket-file.js";

/**
 * Closes a server that is bound to `path`, and removes its file and no other. libuv unlinks the path of a server that it closes
 * without looking, so a file of another server there is put aside meanwhile.
 *
 * @param file the server's file; undefined: none is
 */
export function closeBoundServer(server: Server, path: string, file: FileIdentity | undefined): void {
  const aside = join(dirname(path), `.${randomDigits()}`);
  const isAside = !hasOwnFile(path, file) && putAside(path, aside);
  server.close();
  if (!isAside) return;
  try {
    renameSync(aside, path);
    // Both names are left if libuv could not unlink the path: `rename` between two names of one file does nothing.
    unlinkSync(aside);
  } catch {
    // Renamed, as usual; or its directory was removed meanwhile.
  }
}

function hasOwnFile(path: string, file: FileIdentity | undefined): boolean {
  try {
    return file !== undefined && isOwnFile(inspectPath(path), file);
  } catch {
    // The directory may no longer be searched, so nothing in it can be unlinked either.
    return true;
  }
}

/** Gives the file at `path` another name, in which libuv does not unlink it; returns whether it did. */
function putAside(path: string, aside: string): boolean {
  for (const move of [linkSync, renameSync]) {
    try {
      move(path, aside);
      return true;
    } catch {
      // `link` is refused for another user's file (fs.protected_hardlinks); then `rename` may be allowed.
    }
  }
  return false;
}

/** Closes the servers of this thread that are still open. */
const closers = new Set<() => void>();

/**
 * Returns a function that calls `close` once; if it was not called before, it is called when the thread exits: by `process.exit`,
 * by an exception that is not caught, or because nothing is left to do. So the socket file does not stay behind. After the event
 * `exit`, libuv also unlinks the path of a server that is open and bound there, without looking, and could remove the file of
 * another server.
 *
 * There is no `exit` for a process that a signal ends, or for a worker thread that is terminated.
 *
 * @param close must be synchronous and must not throw
 */
export function closeAtExit(close: () => void): () => void {
  const closeOnce = (): void => {
    if (!closers.delete(closeOnce)) return;
    if (closers.size === 0) process.off("exit", closeAll);
    close();
  };
  if (closers.size === 0) process.on("exit", closeAll);
  closers.add(closeOnce);
  return closeOnce;
}

function closeAll(): void {
  for (const close of [...closers]) close();
}
