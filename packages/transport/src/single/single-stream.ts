import type { Duplex } from "node:stream";
import { clearInterval, setImmediate, setInterval } from "node:timers";
import { assertName } from "../endpoint.js";
import { guardStream } from "../net/connect.js";
import type { Listener, Transport } from "../transport.js";
import { assertNotAborted, TransportError } from "../transport-error.js";

/** Interval of the timer that keeps the process alive, in milliseconds; it does nothing else, so any long time will do. */
const KEEP_ALIVE_MS = 86_400_000;

/** A second dial fails at once, so there is nothing to wait for. */
const MAX_RETRY_DELAY_MS = 10;

export interface SingleStreamSource {
  /** Connected, and read by nothing else. */
  readonly stream: Duplex;
  readonly address: string;
  /** Says that the connection has ended, why, and what to do: the message of `IPC_PEER_GONE`. */
  readonly describeEnd: () => string | Promise<string>;
  /** Called when a client or a server has taken the stream, before anything is read. */
  readonly onTaken?: () => void;
}

/** The transports by what they own, which two of them would read at the same time. */
const opened = new WeakMap<object, Transport>();

/** Returns the transport that owns `owned`, and creates it with the first call. */
export function onlyTransport(owned: object, create: () => SingleStreamSource): Transport {
  const known = opened.get(owned);
  if (known !== undefined) return known;
  const transport = singleStream(create());
  opened.set(owned, transport);
  return transport;
}

/**
 * Creates a transport over a stream that is connected already. It has one connection, for one client or one server: a dial or a
 * listener after that rejects with `IPC_ADDRESS_IN_USE` while the stream is open, and with `IPC_PEER_GONE` when it has ended.
 */
export function singleStream({ stream, address, describeEnd, onTaken }: SingleStreamSource): Transport {
  guardStream(stream);
  let isTaken = false;

  async function take(doing: string, signal: AbortSignal | undefined): Promise<void> {
    assertNotAborted(signal, `${doing} ${address}`);
    const isOver = stream.destroyed || stream.readableEnded;
    if (isOver) throw new TransportError("IPC_PEER_GONE", await describeEnd());
    if (isTaken) {
      throw new TransportError(
        "IPC_ADDRESS_IN_USE",
        `the connection to ${address} is in use by another client or server of this process, and there is only one; use that`,
      );
    }
    isTaken = true;
    onTaken?.();
  }

  const transport: Transport = {
    maxRetryDelayMs: MAX_RETRY_DELAY_MS,

    address(name) {
      assertName(name);
      return address;
    },

    async listen(name, _endpoint, onStream, { signal, onEnded }) {
      assertName(name);
      await take("listening at", signal);
      return new SingleStreamListener(stream, { address, onStream, onEnded });
    },

    async dial(name, _endpoint, { signal }) {
      assertName(name);
      await take("dialling", signal);
      return stream;
    },
  };
  return Object.freeze(transport);
}

interface ListenerOptions {
  readonly address: string;
  readonly onStream: (stream: Duplex) => void;
  readonly onEnded: (() => void) | undefined;
}

/** Hands over its stream once, and ends with it. */
class SingleStreamListener implements Listener {
  readonly address: string;
  readonly #stream: Duplex;
  readonly #options: ListenerOptions;
  /** Keeps the process alive, because a server unreferences its stream until the handshake is complete. */
  readonly #keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  #state: "offering" | "accepted" | "closed" = "offering";

  constructor(stream: Duplex, options: ListenerOptions) {
    this.address = options.address;
    this.#stream = stream;
    this.#options = options;
    stream.once("close", () => this.#onClose());
    // In a later turn of the event loop, as a socket does: `listen` has resolved by then.
    setImmediate(() => this.#offer());
  }

  async close(): Promise<void> {
    // Without a server there is no other use for the stream.
    if (this.#state === "offering") this.#stream.destroy();
    this.#shut();
  }

  ref(): void {
    this.#keepAlive.ref();
  }

  unref(): void {
    this.#keepAlive.unref();
  }

  #offer(): void {
    if (this.#state !== "offering") return;
    this.#state = "accepted";
    this.#options.onStream(this.#stream);
  }

  #onClose(): void {
    if (this.#state === "closed") return;
    this.#shut();
    this.#options.onEnded?.();
  }

  #shut(): void {
    this.#state = "closed";
    clearInterval(this.#keepAlive);
  }
}
