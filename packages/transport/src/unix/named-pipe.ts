import { createServer } from "node:net";
import { pipePath } from "../endpoint.js";
import { connectSocket } from "../net/connect.js";
import { NetListener, startListening } from "../net/listener.js";
import { type Attempt, throwTransportError } from "../node-error.js";
import type { Transport } from "../transport.js";

/**
 * Creates the transport over Windows named pipes. Windows owns their names and frees them with the last handle, so there is no
 * file to remove.
 *
 * @param open lets every user read and write the pipe
 */
export function namedPipe(open: boolean, maxRetryDelayMs: number): Transport {
  const transport: Transport = {
    maxRetryDelayMs,
    address: pipePath,

    async listen(name, endpoint, onStream, { signal, onLost }) {
      const address = pipePath(name, endpoint);
      const server = createServer();
      try {
        await startListening(server, { path: address, readableAll: open, writableAll: open }, signal);
      } catch (error) {
        throwTransportError(error, tryTo("listen", address, signal));
      }
      return new NetListener(server, { address, onStream, onLost });
    },

    async dial(name, endpoint, { signal }) {
      const address = pipePath(name, endpoint);
      try {
        return await connectSocket({ path: address }, signal);
      } catch (error) {
        throwTransportError(error, tryTo("dial", address, signal));
      }
    },
  };
  return Object.freeze(transport);
}

function tryTo(doing: Attempt["doing"], address: string, signal: AbortSignal | undefined): Attempt {
  const whenDenied = "the server's user can let others in with `unmaskPermissions: true`";
  return { doing, address, whenDenied, signal };
}
