import { type AddressInfo, createServer, type ServerOpts } from "node:net";
import { assertName, hostPort } from "../endpoint.js";
import { type Attempt, throwTransportError } from "../node-error.js";
import { assertInteger, assertKnownOptions, assertPlace } from "../option-check.js";
import type { Transport } from "../transport.js";
import { TransportError } from "../transport-error.js";
import { connectSocket } from "./connect.js";
import { NetListener, startListening } from "./listener.js";

export interface TcpOptions {
  /** The host to listen at or to dial. The default excludes other machines. @default "127.0.0.1" */
  readonly host?: string;
  /**
   * 0 … 65 535. With 0 the system chooses a port when listening, and the listener's `address` contains it.
   * @default 8100, as golang-ipc
   */
  readonly port?: number;
}

const KEEP_ALIVE_MS = 15_000;
/** For every TCP socket, dialled or accepted. */
export const TUNING: Pick<ServerOpts, "noDelay" | "keepAlive" | "keepAliveInitialDelay"> = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_MS,
};

/**
 * Creates the TCP transport: no delay, keepalive after 15 s. The name is checked but not sent; a port has one server, whatever
 * its name, and this server has one endpoint: a manager there gives out no client ids. TCP does not authenticate the peer: use a
 * key, or stay on the loopback interface.
 *
 * `listen` and `dial` reject with the codes of `throwTransportError`.
 *
 * @throws TypeError, RangeError naming the option
 */
export function tcp(options: TcpOptions = {}): Transport {
  assertKnownOptions(options, ["host", "port"], "tcp()");
  const { host = "127.0.0.1", port = 8100 } = options;
  assertPlace(host, "host");
  assertInteger(port, "port", 0, 65_535);

  const transport: Transport = {
    address(name) {
      assertName(name);
      return hostPort(host, port);
    },

    async listen(name, endpoint, onStream, { signal, onLost }) {
      const attempt = tryTo("listen", transport.address(name, endpoint), signal);
      const server = createServer(TUNING);
      try {
        await startListening(server, { host, port }, signal);
      } catch (error) {
        throwTransportError(error, attempt);
      }
      // A server that listens on a port has an AddressInfo; only one on a path has a string.
      const bound = server.address() as AddressInfo;
      return new NetListener(server, { address: hostPort(host, bound.port), onStream, onLost });
    },

    async dial(name, endpoint, { signal }) {
      const address = transport.address(name, endpoint);
      // Port 0 cannot be dialled, which is an invalid option and reported as one.
      assertInteger(port, "port", 1, 65_535);
      try {
        const socket = await connectSocket({ host, port, ...TUNING }, signal);
        if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
          // Without a server, TCP's simultaneous open can connect a redialling socket to itself.
          socket.destroy();
          throw new TransportError(
            "IPC_NO_SERVER",
            `no server listens at ${address}: the dial connected to itself; start the server`,
          );
        }
        return socket;
      } catch (error) {
        throwTransportError(error, tryTo("dial", address, signal));
      }
    },
  };
  return Object.freeze(transport);
}

function tryTo(doing: Attempt["doing"], address: string, signal: AbortSignal | undefined): Attempt {
  const whenDenied = "use a `port` from 1024 up, or grant the privilege and check the firewall";
  return { doing, address, whenDenied, signal };
}
