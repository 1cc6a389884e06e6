import { assertNotAborted, TransportError } from "../transport-error.js";
import { isAnswering } from "./probe.js";
import { currentUser, type FileIdentity, inspectPath, publishSocket, unlinkSocket } from "./socket-file.js";
import { SocketLock } from "./takeover-lock.js";

/**
 * Gives the listening socket at `staged` the name `path`. If any number of servers start at once, exactly one succeeds. An
 * existing entry is replaced only if it is a socket of this user and no server answers behind it, as a killed server leaves it.
 *
 * @throws TransportError `IPC_ADDRESS_IN_USE`, `IPC_ABORTED`
 */
export async function claimSocket(path: string, staged: string, signal: AbortSignal | undefined): Promise<void> {
  for (;;) {
    assertNotAborted(signal, `listening at ${path}`);
    if (publishSocket(staged, path)) return;
    if ((await findStaleSocket(path, signal)) === undefined) continue;
    // Two starting servers may have found the same stale file. Only the lock's holder removes it, after another check: the
    // first may have replaced it while the second waited.
    const lock = await SocketLock.acquire(path, signal);
    try {
      const stale = await findStaleSocket(path, signal);
      if (stale !== undefined && lock.isHeld() && unlinkSocket(path, stale) && publishSocket(staged, path)) return;
    } finally {
      lock.release();
    }
  }
}

/** Returns the stale socket at `path`, or undefined if there is no entry. */
async function findStaleSocket(path: string, signal: AbortSignal | undefined): Promise<FileIdentity | undefined> {
  const found = inspectPath(path);
  switch (found.kind) {
    case "nothing":
      return undefined;
    case "other":
      throw new TransportError(
        "IPC_ADDRESS_IN_USE",
        `${path} is ${found.what}, not a socket, and is never deleted; move it away, or choose another name or directory`,
      );
    case "socket":
      break;
  }
  if (found.owner !== currentUser()) {
    throw new TransportError(
      "IPC_ADDRESS_IN_USE",
      `${path} is a socket of user ${found.owner}, and this is user ${currentUser()}; choose another name or directory`,
    );
  }
  if (await isAnswering(path, signal)) {
    throw new TransportError(
      "IPC_ADDRESS_IN_USE",
      `a server listens at ${path} already; stop it, or choose another name or directory`,
    );
  }
  return found;
}
