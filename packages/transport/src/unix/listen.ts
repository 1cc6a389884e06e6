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
 * Listens at a socket file: binds the socket where no other user can reach it, sets its mode, then gives it its name. No
 * process ever sees the name with another mode, and the process-wide umask does not change.
 *
 * Nothing yields to the event loop between naming the socket and resolving, so no stream is passed on before that.
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
        // A file that cannot be removed is stale from now on; the next server of this user replaces it.
      }
    };
    return new NetListener(server, { address: path, onStream, onLost, release });
  } catch (error) {
    server.close();
    staging.remove();
    throw error;
  }
}
