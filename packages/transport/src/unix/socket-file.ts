import { type BigIntStats, linkSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { errnoOf } from "../node-error.js";

/**
 * Identifies a file. The inode alone does so only while the file exists: ext4 gives a new file the inode of the last one
 * removed. In bigint, because inodes exceed 2^53 on some filesystems.
 */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** In nanoseconds; 0 for every file on a filesystem that does not keep it. */
  readonly birthTime: bigint;
}

/** The entry at a path; symlinks are not followed. */
type PathEntry =
  | { readonly kind: "nothing" }
  | ({ readonly kind: "socket"; readonly owner: number } & FileIdentity)
  | { readonly kind: "other"; readonly what: string };

// These calls and those of their callers are synchronous on purpose: a check and the action it allows then lie microseconds
// apart, and no other callback of the event loop runs between them. They request `bigint` even if no figure is used: after any
// other stat of a socket, Node.js 20 and 22 load the next module imported through a link as another module than under its own
// path.

/** Returns the entry at a path. Throws Node's error when the directory may not be searched. */
export function inspectPath(path: string): PathEntry {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return { kind: "nothing" };
  if (!stats.isSocket()) return { kind: "other", what: kindOf(stats) };
  return { kind: "socket", owner: Number(stats.uid), ...identityOf(stats) };
}

export function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isSymbolicLink()) return "a symbolic link";
  if (stats.isFile()) return "a plain file";
  return stats.isSocket() ? "a socket" : "a device or a pipe";
}

export function identityOf(stats: BigIntStats): FileIdentity {
  return { device: stats.dev, inode: stats.ino, birthTime: stats.birthtimeNs };
}

export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode && a.birthTime === b.birthTime;
}

/** Returns the effective uid, the owner of this process's files. Never called on Windows, which has no uid. */
export function currentUser(): number {
  return process.geteuid?.() ?? -1;
}

/** Removes the socket at `path` if it is still `file`; returns whether it removed it. */
export function unlinkSocket(path: string, file: FileIdentity): boolean {
  const found = inspectPath(path);
  if (found.kind !== "socket" || !isSameFile(found, file)) return false;
  unlinkSync(path);
  return true;
}

/** Errors of `link` on a filesystem, or under a policy (Android), without hard links. */
export const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
]);

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
