import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type DirectoryPolicy, type WalkedDirectory, walkDirectory } from "../fs/directory-walk.js";
import { HeldEntry } from "../fs/held-entry.js";
import { currentUser, formatMode, kindOf, modeOf } from "../fs/path-entry.js";
import { errnoOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import { directoryMode, grantAccess, type SocketAccess } from "./socket-access.js";

const PRIVATE = 0o700;

/**
 * Ensures that `directory` exists, and that no other user can exchange what lies in it. An existing one is left as it is. Missing
 * ones are created for this user alone, and for the users who may connect.
 *
 * @param directory an absolute path
 * @throws TransportError as `walkDirectory`; `IPC_PERMISSION_DENIED` when a new directory differs from how it was created
 */
export function ensureDirectory(directory: string, policy: DirectoryPolicy, access: SocketAccess): WalkedDirectory {
  for (;;) {
    const walked = walkDirectory(directory, policy);
    const [missing] = walked.missing;
    if (missing === undefined) return walked;
    makeDirectory(join(walked.path, missing), access);
  }
}

function makeDirectory(path: string, access: SocketAccess): void {
  const mode = directoryMode(access);
  try {
    // At once with its mode, so that no waiting client is kept out meanwhile; but not before it has its group.
    mkdirSync(path, { mode: access.gid === undefined ? mode : PRIVATE });
  } catch (error) {
    // Another process has created it meanwhile; it is checked as a directory that existed before.
    if (errnoOf(error) === "EEXIST") return;
    throw error;
  }
  const made = HeldEntry.open(path);
  try {
    if (made !== undefined) openToUsers(made, path, mode, access.gid);
  } finally {
    made?.close();
  }
}

function openToUsers(made: HeldEntry, path: string, mode: number, gid: number | undefined): void {
  const { stats } = made;
  const isOwners = stats.isDirectory() && Number(stats.uid) === currentUser();
  // The umask may have removed the right to enter, which is granted below.
  if (!isOwners || (modeOf(stats) & PRIVATE) !== PRIVATE || (modeOf(stats) & 0o777 & ~mode) !== 0) {
    throw new TransportError(
      "IPC_PERMISSION_DENIED",
      `${path} was made with mode 0${mode.toString(8)} and is now ${kindOf(stats)} of user ${stats.uid} with mode ${formatMode(stats)}; choose a \`directory\` that no other user can write, and check the umask`,
    );
  }
  if (mode !== PRIVATE) grantAccess(made.path, mode, gid, path);
}
