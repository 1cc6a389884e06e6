import { type BigIntStats, lstatSync, readlinkSync } from "node:fs";
import { dirname, isAbsolute, posix } from "node:path";
import { errnoOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import { currentUser, formatMode, isReplaceable, kindOf, withoutWriting } from "./path-entry.js";

/** Which other users may be able to exchange a socket file. */
export interface DirectoryPolicy {
  /** Uids that may own directories, links and sockets, besides this user and root. */
  readonly trustedOwners: readonly number[];
  /** Accepts a directory in which other users can exchange files. */
  readonly sharedDirectory: boolean;
}

export interface WalkedDirectory {
  /** The real path as far as it exists. */
  readonly path: string;
  /** Names of the directories that do not exist, the first one directly in `path`. */
  readonly missing: readonly string[];
  /** Which users besides this one can exchange a file that this user has made in the directory, or a link on the way. */
  readonly exchangers: "root" | "trusted owners" | "others";
}

/** As Linux. */
const MAX_LINKS = 40;

/**
 * Walks from the root to a directory, as sshd does to a key file, and checks each directory and each symbolic link on the way:
 * its owner must be this user, root or a trusted owner, and a directory that others can write must be sticky. So no other user
 * can exchange anything on the way, neither while it is checked nor later.
 *
 * With `sharedDirectory` the last directory is not checked.
 *
 * @param directory an absolute path
 * @throws TransportError `IPC_UNTRUSTED_SOCKET` naming the directory; `IPC_PERMISSION_DENIED` when one may not be searched;
 * `IPC_TRANSPORT_FAILED` when something on the way is no directory
 */
export function walkDirectory(directory: string, policy: DirectoryPolicy): WalkedDirectory {
  let path = "/";
  let exchangers = assertTrusted(path, statsOf(path), policy, "ancestor");
  let rest = namesOf(directory);
  for (let links = 0; rest.length > 0; ) {
    const [name = "", ...later] = rest;
    if (name === "..") {
      path = dirname(path);
      rest = later;
      continue;
    }
    const next = posix.join(path, name);
    const stats = statsOf(next);
    if (stats === undefined) return { path, missing: rest, exchangers };
    if (stats.isSymbolicLink()) {
      assertTrustedOwner(next, stats, policy);
      if (!isOwnOrRoots(Number(stats.uid))) exchangers = "trusted owners";
      if (++links > MAX_LINKS) throw new TransportError("IPC_TRANSPORT_FAILED", `${directory} has too many links`);
      const target = readlinkSync(next);
      if (isAbsolute(target)) path = "/";
      rest = [...namesOf(target), ...later];
      continue;
    }
    const found = assertTrusted(next, stats, policy, later.length === 0 ? "last" : "ancestor");
    if (found !== "root" && exchangers !== "others") exchangers = found;
    path = next;
    rest = later;
  }
  return { path, missing: [], exchangers };
}

/** Returns whether a file of this user is as good as one of `owner`. */
export function isTrustedOwner(owner: number, { trustedOwners }: DirectoryPolicy): boolean {
  return isOwnOrRoots(owner) || trustedOwners.includes(owner);
}

function isOwnOrRoots(owner: number): boolean {
  return owner === currentUser() || owner === 0;
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function statsOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (cause) {
    if (errnoOf(cause) !== "EACCES") throw cause;
    const directory = dirname(path);
    throw new TransportError(
      "IPC_PERMISSION_DENIED",
      `this user may not enter the directory ${directory} (EACCES); its owner can let other users in with \`chmod a+x ${directory}\`, or a group with \`chmod g+x\``,
      { cause },
    );
  }
}

function assertTrusted(
  path: string,
  stats: BigIntStats | undefined,
  policy: DirectoryPolicy,
  position: "ancestor" | "last",
): WalkedDirectory["exchangers"] {
  if (stats?.isDirectory() !== true) {
    const what = stats === undefined ? "missing" : kindOf(stats);
    throw new TransportError(
      "IPC_TRANSPORT_FAILED",
      `${path} is ${what}, not a directory; choose another \`directory\``,
    );
  }
  const owner = Number(stats.uid);
  const isOthers = isReplaceable(stats);
  if (policy.sharedDirectory && position === "last") {
    if (isOthers || !isTrustedOwner(owner, policy)) return "others";
  } else {
    assertTrustedOwner(path, stats, policy);
    if (isOthers) {
      const shared = position === "last" ? ", or pass `sharedDirectory: true` if you trust all of them" : "";
      throw new TransportError(
        "IPC_UNTRUSTED_SOCKET",
        `${path} has mode ${formatMode(stats)}, so other users can exchange what lies in it; \`chmod ${withoutWriting(stats)} ${path}\`, choose another \`directory\`${shared}`,
      );
    }
  }
  return isOwnOrRoots(owner) ? "root" : "trusted owners";
}

function assertTrustedOwner(path: string, stats: BigIntStats, policy: DirectoryPolicy): void {
  const owner = Number(stats.uid);
  if (isTrustedOwner(owner, policy)) return;
  throw new TransportError(
    "IPC_UNTRUSTED_SOCKET",
    `${path} is ${kindOf(stats)} of user ${owner}, not of this user (${currentUser()}) or root, and its owner can exchange what it leads to; pass \`trustedOwners: [${owner}]\` if you trust that user, or choose another \`directory\``,
  );
}
