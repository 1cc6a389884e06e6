import { type BigIntStats, lstatSync } from "node:fs";

/** Every permission of the group and of others. */
const GROUP_AND_OTHERS = 0o077;
const WRITE_OF_GROUP = 0o020;
const WRITE_OF_OTHERS = 0o002;
/** In a sticky directory, such as /tmp, only the owner of an entry, or of the directory, may rename or remove the entry. */
const STICKY = 0o1000;

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
export type PathEntry =
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

/** Returns whether only the owner has permissions on a file or a directory. */
export function isOwnerOnly(stats: BigIntStats): boolean {
  return (modeOf(stats) & GROUP_AND_OTHERS) === 0;
}

/** Returns whether users other than a directory's owner can replace entries that they do not own. */
export function isReplaceable(stats: BigIntStats): boolean {
  return isWritableByOthers(modeOf(stats)) && (modeOf(stats) & STICKY) === 0;
}

/** Returns whether a mode, or what a umask leaves, lets the group or other users write; for a socket: connect. */
export function isWritableByOthers(mode: number): boolean {
  return (mode & (WRITE_OF_GROUP | WRITE_OF_OTHERS)) !== 0;
}

/** Returns the argument of `chmod` that takes the right to write from the group, from others, or from both. */
export function withoutWriting(stats: BigIntStats): string {
  const mode = modeOf(stats);
  return [(mode & WRITE_OF_GROUP) !== 0 && "g-w", (mode & WRITE_OF_OTHERS) !== 0 && "o-w"].filter(Boolean).join(",");
}

/** Formats the mode as `chmod` takes it: `0600`. */
export function formatMode(stats: BigIntStats): string {
  return `0${modeOf(stats).toString(8)}`;
}

export function modeOf(stats: BigIntStats): number {
  return Number(stats.mode & 0o7777n);
}

/** Errors of `link` on a filesystem, or under a policy (Android, `fs.protected_hardlinks`), that refuses hard links. */
export const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
]);
