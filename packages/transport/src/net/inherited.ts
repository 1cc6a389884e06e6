import { createServer } from "node:net";
import { assertName } from "../endpoint.js";
import { throwTransportError } from "../node-error.js";
import { assertInteger, assertKnownOptions } from "../option-check.js";
import type { Transport } from "../transport.js";
import { TransportError } from "../transport-error.js";
import { NetListener, startListening } from "./listener.js";
import { TUNING } from "./tcp.js";

const MAX_DESCRIPTOR = 0x7fff_ffff;

export interface InheritedOptions {
  /** The descriptor of a listening socket, 0 … 2^31-1; systemd passes the first as 3. */
  readonly fd: number;
}

/**
 * Creates the transport of a server whose listening socket a supervisor has opened and passed on, such as systemd with a socket unit:
 * clients can connect while the server restarts. They dial with `unixSocket()` or `tcp()`.
 *
 * The supervisor owns the socket file and its mode: nothing is created, checked or removed. A manager serves its name only and gives
 * out no client ids.
 *
 * `listen` takes the descriptor over and closes it at the end, so it works once: it rejects with `IPC_ADDRESS_IN_USE` the second
 * time, also if the first has failed, `IPC_TRANSPORT_FAILED` when the descriptor is no listening socket, `IPC_ABORTED`. `dial` rejects with `IPC_TRANSPORT_FAILED`.
 *
 * @throws TypeError, RangeError naming the option
 * @see sd_listen_fds(3)
 */
export function inherited(options: InheritedOptions): Transport {
  assertKnownOptions(options, ["fd"], "inherited()");
  const { fd } = options;
  assertInteger(fd, "fd", 0, MAX_DESCRIPTOR);
  let isTaken = false;

  const transport: Transport = {
    address(name) {
      assertName(name);
      return `descriptor ${fd}`;
    },

    async listen(name, endpoint, onStream, { signal, onLost }) {
      const address = transport.address(name, endpoint);
      if (isTaken) {
        // Its number may belong to another file by now.
        throw new TransportError("IPC_ADDRESS_IN_USE", `${address} was taken over before; restart the process`);
      }
      const server = createServer(TUNING);
      try {
        signal?.throwIfAborted();
        // From here on the descriptor is Node's, which closes it also when it fails or is told to stop.
        isTaken = true;
        await startListening(server, { fd }, signal);
      } catch (error) {
        const whenDenied = "check that the supervisor passes a listening socket";
        throwTransportError(error, { doing: "listen", address, whenDenied, signal });
      }
      return new NetListener(server, { address, onStream, onLost });
    },

    async dial(name, endpoint) {
      throw new TransportError(
        "IPC_TRANSPORT_FAILED",
        `${transport.address(name, endpoint)} can only be listened on; dial with unixSocket() or tcp()`,
      );
    },
  };
  return Object.freeze(transport);
}
