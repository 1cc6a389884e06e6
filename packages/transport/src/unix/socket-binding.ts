import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { basename, dirname } from "node:path";
import type { DirectoryPolicy, WalkedDirectory } from "../fs/directory-walk.js";
import { HeldEntry, hasDescriptorPaths } from "../fs/held-entry.js";
import {
  currentUser,
  type FileIdentity,
  identityOf,
  inspectPath,
  isWritableByOthers,
  modeOf,
} from "../fs/path-entry.js";
import { startListening } from "../net/listener.js";
import { errnoOf } from "../node-error.js";
import { TransportError } from "../transport-error.js";
import { closeAtExit, closeBoundServer } from "./bound-server.js";
import { claimPath } from "./claim.js";
import { grantAccess, type SocketAccess } from "./socket-access.js";
import { ensureDirectory } from "./socket-directory.js";
import { publishSocket, unlinkOwnSocket } from "./socket-file.js";
import { StagingDirectory } from "./staging-directory.js";

export interface BindSettings {
  readonly access: SocketAccess;
  readonly policy: DirectoryPolicy;
}

/** A listening server with its socket file. */
export interface BoundSocket {
  readonly server: Server;
  readonly file: FileIdentity;
  /** Whether the kernel lists it under its path. If not, what tidies a directory takes the file for a dead one when it is old. */
  readonly isListed: boolean;
  /** Closes the server and removes its file, and no other. */
  close(): void;
}

/**
 * Binds a server to `path`, whose file has its mode and group before any user that they exclude can connect. The process-wide
 * umask does not change.
 *
 * Nothing yields to the event loop between naming the socket and resolving, so no stream is passed on before that.
 *
 * @throws TransportError, and Node's errors
 */
export async function bindSocket(
  path: string,
  settings: BindSettings,
  signal: AbortSignal | undefined,
): Promise<BoundSocket> {
  const walked = ensureDirectory(dirname(path), settings.policy, settings.access);
  assertSafeToChange(walked);
  return claimPath(path, signal, async () => {
    const directory = HeldEntry.open(walked.path);
    if (directory === undefined)
      throw new TransportError("IPC_TRANSPORT_FAILED", `${walked.path} was removed; start again`);
    try {
      const direct = canBindDirectly(walked, directory, settings.policy)
        ? await bindDirectly(path, walked, directory, settings, signal)
        : "exposed";
      return direct === "exposed" ? await bindStaged(path, directory, settings, signal) : direct;
    } finally {
      directory.close();
    }
  });
}

/**
 * Rejects a directory in which other users can exchange files where the mode can be set by path only: `chmod` would follow a link
 * that another user has put in the place of the staging directory.
 */
function assertSafeToChange({ path, exchangers }: WalkedDirectory): void {
  if (exchangers !== "others" || hasDescriptorPaths()) return;
  throw new TransportError(
    "IPC_UNTRUSTED_SOCKET",
    `other users can exchange the socket file in ${path} before it has its mode; a server with \`sharedDirectory\` needs Linux with /proc mounted there; choose a \`directory\` that no other user can write`,
  );
}

/**
 * Returns whether the socket can be bound at its path: no other user can exchange it there before it has its mode, and the umask
 * lets no other user connect until then. Then the kernel lists the path, for `ss` and systemd-tmpfiles(8).
 *
 * Not in a worker thread: when one is terminated, libuv unlinks the bound path, whichever server's file is there by then.
 */
function canBindDirectly({ exchangers }: WalkedDirectory, { isHeld }: HeldEntry, policy: DirectoryPolicy): boolean {
  const isExclusive = exchangers === "root" && !policy.sharedDirectory;
  const { isMainThread } = process.getBuiltinModule("node:worker_threads");
  return isMainThread && isExclusive && isHeld && !isWritableByOthers(0o777 & ~umaskOfProcess());
}

/** Returns the umask. `process.umask()` would set it to 0 for a moment, and files of other threads would get a wrong mode. */
function umaskOfProcess(): number {
  const umask = /^Umask:\s+([0-7]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  // Linux before 4.7 does not tell.
  return umask === undefined ? 0 : Number.parseInt(umask, 8);
}

/**
 * Resolves with undefined if the path is taken; with "exposed" when the umask did not hold, because the directory has default
 * ACLs, or the umask was changed meanwhile.
 */
async function bindDirectly(
  path: string,
  walked: WalkedDirectory,
  directory: HeldEntry,
  { access }: BindSettings,
  signal: AbortSignal | undefined,
): Promise<BoundSocket | undefined | "exposed"> {
  const server = createServer();
  // A tidy-up walks the real path, and the list has the path that was bound.
  const isListed = walked.path === dirname(path);
  try {
    await startListening(server, { path }, signal);
  } catch (error) {
    if (errnoOf(error) === "EADDRINUSE") return undefined;
    throw error;
  }
  let identity: FileIdentity | undefined;
  const close = closeAtExit(() => closeBoundServer(server, path, identity));
  try {
    // Before anything else that can fail, because without it the close does not remove the file.
    const bound = inspectPath(path);
    if (bound.kind === "socket") identity = bound;
    const file = openSocket(`${directory.path}/${basename(path)}`, path);
    try {
      identity = identityOf(file.stats);
      if (!isWritableByOthers(modeOf(file.stats))) {
        grantAccess(file.path, access.mode, access.gid, path);
        return { server, file: identity, isListed, close };
      }
    } finally {
      file.close();
    }
  } catch (error) {
    close();
    throw error;
  }
  close();
  return "exposed";
}

/** Binds the socket where no other user can reach it, sets its mode, then gives it its name, unless that is taken. */
async function bindStaged(
  path: string,
  directory: HeldEntry,
  { access }: BindSettings,
  signal: AbortSignal | undefined,
): Promise<BoundSocket | undefined> {
  const staging = StagingDirectory.make(directory, path);
  const server = createServer();
  const abandon = (): void => {
    server.close();
    staging.remove();
    staging.close();
  };
  try {
    await startListening(server, { path: staging.socket }, signal);
    const file = openSocket(staging.socket, path);
    try {
      grantAccess(file.path, access.mode, access.gid, path);
    } finally {
      file.close();
    }
    if (!publishSocket(staging.socket, `${staging.parent}/${basename(path)}`)) {
      abandon();
      return undefined;
    }
    staging.remove();
    const identity = identityOf(file.stats);
    const close = closeAtExit(() => {
      unlinkOwnSocket(path, identity);
      server.close();
      staging.close();
    });
    return { server, file: identity, isListed: false, close };
  } catch (error) {
    abandon();
    throw error;
  }
}

/** Returns the socket that was just bound at `place`. */
function openSocket(place: string, path: string): HeldEntry {
  const file = HeldEntry.open(place);
  if (file?.stats.isSocket() === true && Number(file.stats.uid) === currentUser()) return file;
  file?.close();
  throw new TransportError(
    "IPC_TRANSPORT_FAILED",
    `${path} was removed or replaced as soon as it was made; start again`,
  );
}
