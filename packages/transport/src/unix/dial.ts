import { readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { basename, dirname, join, resolve } from "node:path";
import { maxPathBytes } from "../endpoint.js";
import { type DirectoryPolicy, isTrustedOwner, type WalkedDirectory, walkDirectory } from "../fs/directory-walk.js";
import { HeldEntry } from "../fs/held-entry.js";
import { currentUser, inspectPath, kindOf } from "../fs/path-entry.js";
import { connectSocket } from "../net/connect.js";
import { errnoOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import { lockPath } from "./takeover-lock.js";

/** A chain of links that is longer leads in a circle. */
const MAX_LINKS = 8;

/**
 * Connects to a socket file that a trusted user owns: this user, root, or one of `trustedOwners`. On Linux the connection goes to
 * the very file that was checked, whatever has its name by then; elsewhere the name is checked again after connecting.
 *
 * @param path as `socketPath` returns it: not longer than the system allows
 * @throws TransportError `IPC_UNTRUSTED_SOCKET`, and as `walkDirectory`; `IPC_NO_SERVER` also when a trusted server was replaced
 * meanwhile
 */
export async function dialVerified(
  path: string,
  policy: DirectoryPolicy,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const { file, place } = openTrusted(path, policy);
  try {
    const socket = await connectUnlessStarting(addressOf(file, path), place, signal);
    if (file.isUnchanged()) return socket;
    socket.destroy();
    // A restart of the server is the usual reason; another dial finds the new server.
    throw new TransportError("IPC_NO_SERVER", `the server at ${path} was replaced during the dial; dial again`);
  } finally {
    file.close();
  }
}

/**
 * Returns the path to connect to: the descriptor, or the real path. Where the real path is longer than the system allows, the
 * path of the dial leads there, too, through links that only trusted users can change.
 */
function addressOf(file: HeldEntry, path: string): string {
  return file.isHeld || Buffer.byteLength(file.path) <= maxPathBytes(process.platform) ? file.path : path;
}

/**
 * A server grants other users access just after it has bound the socket, and holds its lock until then. So a denial is final only
 * without a lock, and when it is repeated: the server may have granted access and released the lock in between.
 */
async function connectUnlessStarting(address: string, place: string, signal: AbortSignal | undefined): Promise<Socket> {
  try {
    return await connectSocket({ path: address }, signal);
  } catch (error) {
    if (errnoOf(error) !== "EACCES") throw error;
    if (inspectPath(lockPath(place)).kind !== "nothing") {
      throw new TransportError("IPC_NO_SERVER", `the server at ${place} is starting; dial again`, { cause: error });
    }
    return connectSocket({ path: address }, signal);
  }
}

/** Returns the socket at `path`. A link is followed where no other user can change it, if its owner is trusted. */
function openTrusted(path: string, policy: DirectoryPolicy): { readonly file: HeldEntry; readonly place: string } {
  let place = path;
  for (let links = 0; ; links++) {
    const directory = walkDirectory(dirname(place), policy);
    const name = join(directory.path, basename(place));
    const file = directory.missing.length === 0 ? HeldEntry.open(name) : undefined;
    if (file === undefined) {
      throw new TransportError(
        "IPC_NO_SERVER",
        `no server listens at ${path} (ENOENT); start it, or check that both sides name the same name and directory`,
      );
    }
    if (!isFollowed(file, directory, policy) || links === MAX_LINKS) {
      assertTrustedSocket(file, place, policy);
      return { file, place };
    }
    try {
      place = resolve(directory.path, readlinkSync(name));
    } finally {
      file.close();
    }
  }
}

function isFollowed({ stats }: HeldEntry, { exchangers }: WalkedDirectory, policy: DirectoryPolicy): boolean {
  return stats.isSymbolicLink() && exchangers !== "others" && isTrustedOwner(Number(stats.uid), policy);
}

function assertTrustedSocket(file: HeldEntry, path: string, policy: DirectoryPolicy): void {
  const { stats } = file;
  const owner = Number(stats.uid);
  if (stats.isSocket() && isTrustedOwner(owner, policy)) return;
  file.close();
  throw new TransportError(
    "IPC_UNTRUSTED_SOCKET",
    stats.isSocket()
      ? `${path} belongs to user ${owner}, not to this user (${currentUser()}) or root; pass \`trustedOwners: [${owner}]\` if that is the server's user`
      : `${path} is ${kindOf(stats)}${stats.isSymbolicLink() ? ` of user ${owner} that is not followed` : ""}, not a socket; move it away, or check the name and the directory`,
  );
}
