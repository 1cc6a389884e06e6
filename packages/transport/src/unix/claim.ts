import { currentUser, type FileIdentity, inspectPath } from "../fs/path-entry.js";
import { assertNotAborted, TransportError } from "../transport-error.js";
import { isAnswering } from "./probe.js";
import { unlinkSocket } from "./socket-file.js";
import { SocketLock } from "./takeover-lock.js";

/**
 * Takes the name `path` and resolves with the result of `take`. If any number of servers start at once, exactly one succeeds. An
 * existing entry is replaced only if it is a socket of this user and no server answers behind it, as a killed server leaves it.
 *
 * @param take takes the free name while this process has the lock; resolves with undefined if the name is taken again, by a
 * server that does not know the lock
 * @throws TransportError `IPC_ADDRESS_IN_USE`, `IPC_ABORTED`
 */
export async function claimPath<T>(
  path: string,
  signal: AbortSignal | undefined,
  take: () => Promise<T | undefined>,
): Promise<T> {
  for (;;) {
    assertNotAborted(signal, `listening at ${path}`);
    // Without the lock, because most starts that fail find a live server and need not wait.
    await findStaleSocket(path, signal);
    const lock = await SocketLock.acquire(path, signal);
    try {
      // Again, because another starter may have taken the name meanwhile.
      const stale = await findStaleSocket(path, signal);
      assertNotAborted(signal, `listening at ${path}`);
      if (!lock.isHeld() || (stale !== undefined && !unlinkSocket(path, stale))) continue;
      const taken = await take();
      if (taken !== undefined) return taken;
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
