import { once } from "node:events";
import type { ListenOptions as NetListenOptions, Server } from "node:net";
import type { Duplex } from "node:stream";
import { followSignal } from "../abort-listeners.js";
import { errnoOf } from "../node-error.js";
import type { Listener } from "../transport.js";
import { TransportError } from "../transport-error.js";
import { guardSocket } from "./connect.js";

/** Errors of accept that mean that the listening descriptor itself is unusable. */
const FATAL: ReadonlySet<string | undefined> = new Set(["EBADF", "EINVAL", "ENOTSOCK", "EOPNOTSUPP"]);

/**
 * Connections that wait to be accepted; the system may allow fewer. A client that finds the queue of a unix socket full is
 * refused and dials again: with Node's default of 511, thousands of simultaneous clients keep both sides busy with that alone.
 */
const BACKLOG = 4_096;

/** Resolves when the server listens. Rejects with Node's error or the signal's reason; the server is then closed. */
export async function startListening(
  server: Server,
  place: NetListenOptions & { readonly fd?: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  // In a cluster worker, Node would otherwise let the primary own the address and share it.
  server.listen({ ...place, exclusive: true, backlog: BACKLOG });
  try {
    await followSignal(signal, (own) => once(server, "listening", own));
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    // While a host name is being resolved there is nothing to close yet, and Node would listen afterwards.
    server.on("listening", () => server.close());
    server.on("error", () => {});
    server.close();
    throw signal.reason;
  }
}

interface NetListenerOptions {
  readonly address: string;
  readonly onStream: (stream: Duplex) => void;
  readonly onLost: ((error: TransportError) => void) | undefined;
  /** Closes the server, and frees resources unknown to Node. Called once, while the server still listens; must not throw. */
  readonly closeServer?: () => void;
}

/** An open listener on a `net.Server` that listens already; it owns that server. */
export class NetListener implements Listener {
  readonly address: string;
  readonly #server: Server;
  readonly #options: NetListenerOptions;
  #open = true;

  constructor(server: Server, options: NetListenerOptions) {
    this.address = options.address;
    this.#server = server;
    this.#options = options;
    server.on("connection", (socket) => options.onStream(guardSocket(socket)));
    server.on("error", (error) => this.#onError(error));
  }

  async close(): Promise<void> {
    this.#shut();
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }

  #shut(): void {
    if (!this.#open) return;
    this.#open = false;
    const { closeServer = () => this.#server.close() } = this.#options;
    // Frees the descriptor at once. The close callback, which is not used, would wait for every accepted stream to end.
    closeServer();
  }

  // libuv drops the waiting connections itself when descriptors run out (EMFILE) and continues; every other non-fatal error of
  // accept concerns one connection only.
  #onError(cause: Error): void {
    if (!this.#open || !FATAL.has(errnoOf(cause))) return;
    this.#shut();
    this.#options.onLost?.(
      new TransportError(
        "IPC_LISTENER_LOST",
        `the listener at ${this.address} failed (${cause.message}) and was closed; start the server again`,
        { cause },
      ),
    );
  }
}
