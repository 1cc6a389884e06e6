import type { Duplex } from "node:stream";
import type { TransportError } from "./transport-error.js";

/** An endpoint of a server: the name itself, golang-ipc's `<name>_manager`, or its slot `<name><id>`. */
export type Endpoint =
  | { readonly kind: "name" }
  | { readonly kind: "manager" }
  | { readonly kind: "slot"; readonly id: number };

/** Option of every wait: a signal that ends it with `IPC_ABORTED`. */
export interface AbortOptions {
  readonly signal?: AbortSignal;
}

export interface DialOptions extends AbortOptions {
  /**
   * The instance of the server that has the caller's session: 32 hexadecimal digits. Where several servers share a name, it is
   * asked first; a transport without such servers ignores it.
   */
  readonly instance?: string;
}

export interface ListenOptions extends AbortOptions {
  /** Identifies this server among those that share its name: 32 hexadecimal digits. See `DialOptions`. */
  readonly instance?: string;
  /** Called at most once, after an open listener has failed for good and released everything. Never called after `close()`. */
  readonly onLost?: (error: TransportError) => void;
  /** Called each time when the address of an open listener had vanished and it listens there again. Never called after `close()`. */
  readonly onRelisted?: () => void;
  /**
   * Called at most once, when an open listener has had its only connection, which has closed: it has released everything, and no
   * client can connect any more. Never called after `close()`.
   */
  readonly onEnded?: () => void;
}

/** An open listener. */
export interface Listener {
  /** The listening address: a path, a pipe name or `host:port` with the real port. */
  readonly address: string;
  /** Stops accepting and frees the address; accepted streams stay open. Idempotent. */
  close(): Promise<void>;
  /** Keeps the process alive while listening (the default). */
  ref(): void;
  /** Lets the process end while listening. */
  unref(): void;
}

/**
 * A way to reach another process: three methods and two properties, so that another transport (TLS, stdio, a message broker) is a
 * small package.
 */
export interface Transport {
  /** The longest pause between two dials, in milliseconds; a short one suits cheap dials. @default 1000 */
  readonly maxRetryDelayMs?: number;
  /**
   * True: others pass on this transport's bytes, so a client or a server over it must have keys with which the other side proves
   * itself; without them it does not start. @default false
   */
  readonly requiresKeys?: boolean;
  /**
   * Returns the address that `dial` and `listen` use: for messages, and as a check before anything is opened. A transport whose
   * servers have one endpoint, such as TCP, returns the address of the name for every endpoint: a manager then serves its name
   * only and gives out no client ids.
   *
   * @throws TypeError with the code `IPC_NAME_INVALID`; RangeError for a slot's id outside 1 … 2^32-1
   * @throws TransportError `IPC_PATH_TOO_LONG`
   */
  address(name: string, endpoint: Endpoint): string;
  /**
   * Resolves when a client can connect. `onStream` is called after that, once for each connection, and owns the stream: it does
   * not flow yet and has lost no data, so attach 'data' or call `resume()`. The stream ends by itself after the peer's end, and
   * ignores an 'error' without a listener.
   *
   * @throws TypeError with the code `IPC_NAME_INVALID` for a wrong name
   * @throws TransportError `IPC_ADDRESS_IN_USE` and other codes of the transport
   */
  listen(
    name: string,
    endpoint: Endpoint,
    onStream: (stream: Duplex) => void,
    options: ListenOptions,
  ): Promise<Listener>;
  /**
   * Resolves with a connected stream from which nothing has been read, in the same state as those of `listen`. Makes one
   * attempt; redialling is up to the caller.
   *
   * @throws TypeError with the code `IPC_NAME_INVALID` for a wrong name
   * @throws TransportError `IPC_NO_SERVER` and other codes of the transport
   */
  dial(name: string, endpoint: Endpoint, options: DialOptions): Promise<Duplex>;
}
