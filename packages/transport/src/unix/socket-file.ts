import { randomBytes } from "node:crypto";
import { linkSync, renameSync, unlinkSync } from "node:fs";
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
