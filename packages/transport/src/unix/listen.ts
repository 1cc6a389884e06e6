import { createServer } from "node:net";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { NetListener, startListening } from "../net/listener.js";
import type { Listener, ListenOptions } from "../transport.js";
import { TransportError } from "../transport-error.js";
import { claimSocket } from "./claim.js";
import { inspectPath, unlinkSocket } from "./socket-file.js";
import { ensureDirectory, StagingDirectory } from "./staging-directory.js";

/**
 * Listens at a socket file: bound where nobody else can reach it, given its mode, then its name. Nobody ever sees it
 * with another mode, and the process-wide umask stays out of it.
 *
 * From the moment it has its name to the moment this resolves nothing yields to the event loop, so that no stream is
 * given out before.
 *
 * @param mode of the socket file, `0o600` or `0o777`
 */
export async function listenAtFile(
  path: string,
  mode: number,
  onStream: (stream: Duplex) => void,
  { signal, onLost }: ListenOptions,
): Promise<Listener> {
  ensureDirectory(dirname(path));
  const staging = StagingDirectory.make(path);
  const server = createServer();
  try {
    await startListening(server, { path: staging.socket }, signal);
    staging.setMode(mode);
    await claimSocket(path, staging.socket, signal);
    staging.remove();
    const file = inspectPath(path);
    if (file.kind !== "socket") {
      throw new TransportError("IPC_TRANSPORT_FAILED", `${path} was removed as soon as it was made; start again`);
    }
    const release = (): void => {
      try {
        unlinkSocket(path, file);
      } catch {
        // A file that may not be removed is stale from now on; the next server of this user replaces it.
      }
    };
    return new NetListener(server, { address: path, onStream, onLost, release });
  } catch (error) {
    server.close();
    staging.remove();
    throw error;
  }
}
