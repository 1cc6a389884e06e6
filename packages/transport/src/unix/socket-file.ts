import { randomBytes } from "node:crypto";
import { linkSync, renameSync, unlinkSync } from "node:fs";
import type { Server } from "node:net";
import { dirname, join } from "node:path";
import { type FileIdentity, inspectPath, isSameFile, NO_LINKS, type PathEntry } from "../fs/path-entry.js";
import { errnoOf } from "../node-error.js";

/** Digits of 64 random bits in base 36. */
const RANDOM_DIGITS = 13;

/** Returns 64 random bits, which no other user can guess or occupy, in digits that every filesystem tells apart. */
export function randomDigits(): string {
  return randomBytes(8).readBigUInt64BE().toString(36).padStart(RANDOM_DIGITS, "0");
}

/** Removes the socket at `path` if it is still `file`; returns whether it removed it. */
export function unlinkSocket(path: string, file: FileIdentity): boolean {
  const found = inspectPath(path);
  if (found.kind !== "socket" || !isSameFile(found, file)) return false;
  unlinkSync(path);
  return true;
}

/**
 * Gives the socket at `staged` its final name `path`; returns false if that is taken. `link` checks and acts in one step;
 * without hard links, `rename` follows a check, microseconds apart.
 */
export function publishSocket(staged: string, path: string): boolean {
  try {
    linkSync(staged, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    if (!NO_LINKS.has(errnoOf(error))) throw error;
  }
  if (inspectPath(path).kind !== "nothing") return false;
  renameSync(staged, path);
  return true;
}

/**
 * Returns whether `found` is the file of a socket that still listens. Device and inode suffice, because the kernel keeps the
 * inode of a bound socket; the birth time changes with the mode on systems that do not keep it.
 */
export function isOwnFile(found: PathEntry, file: FileIdentity): boolean {
  return found.kind === "socket" && found.device === file.device && found.inode === file.inode;
}

/** Removes the file of a socket that still listens, if it is at `path`. */
export function unlinkOwnSocket(path: string, file: FileIdentity): void {
  try {
    if (isOwnFile(inspectPath(path), file)) unlinkSync(path);
  } catch {
    // A file that cannot be removed is stale from now on; the next server of this user replaces it.
  }
}

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
