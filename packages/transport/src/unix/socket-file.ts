import { type BigIntStats, linkSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { errnoOf } from "../node-error.js";

/**
 * What tells one file from another. The inode alone does so only while the file exists: ext4 gives a new file the number
 * of the last one removed. In bigint, because inodes go past 2^53 on some filesystems.
 */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** In nanoseconds; 0 for every file where the filesystem does not keep it. */
  readonly birthTime: bigint;
}

/** What stands at a path, symlinks not followed. */
type PathEntry =
  | { readonly kind: "nothing" }
  | ({ readonly kind: "socket"; readonly owner: number } & FileIdentity)
  | { readonly kind: "other"; readonly what: string };

// The calls are synchronous on purpose, here and where they are used: a check and the act it allows then lie
// microseconds apart, with no other turn of the event loop between them. And they ask for `bigint`, also where no figure is
// looked at: after any other look at a socket, Node.js 20 and 22 take the next module that is imported from behind a link for
// another one than the same behind its own path.

/** Looks at a path. Throws Node's error when the directory may not be searched. */
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

/** Returns the user whose files are ours. Never called on Windows, which has no such number. */
export function currentUser(): number {
  return process.geteuid?.() ?? -1;
}

/** Removes the socket at `path` if it is still `file`; returns whether the path is free of it now. */
export function unlinkSocket(path: string, file: FileIdentity): boolean {
  const found = inspectPath(path);
  if (found.kind !== "socket" || !isSameFile(found, file)) return false;
  unlinkSync(path);
  return true;
}

/** What `link` says on a filesystem, or under a policy (Android), that has no hard links. */
export const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
]);

/**
 * Gives the socket at `staged` its final name `path`; returns false when that is taken. `link` checks and acts in one
 * step; where there are no hard links, `rename` follows upon a look, microseconds apart.
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
