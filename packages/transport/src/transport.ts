import type { Duplex } from "node:stream";
import type { TransportError } from "./transport-error.js";

/** Which of a server's entrances is meant: the name itself, golang-ipc's `<name>_manager`, or its slot `<name><id>`. */
export type Endpoint =
  | { readonly kind: "name" }
  | { readonly kind: "manager" }
  | { readonly kind: "slot"; readonly id: number };

/** What every wait takes: a signal that ends it with `IPC_ABORTED`. */
export interface AbortOptions {
  readonly signal?: AbortSignal;
}

export interface ListenOptions extends AbortOptions {
  /** Called at most once, when an open listener fails for good; it has released everything by then. Never after `close()`. */
  readonly onLost?: (error: TransportError) => void;
}

/** An open entrance. */
export interface Listener {
  /** Where it listens: a path, a pipe name or `host:port` with the real port. */
  readonly address: string;
  /** Stops accepting and frees the address; streams already handed out live on. Idempotent. */
  close(): Promise<void>;
  /** Keeps the process alive while listening (the default). */
  ref(): void;
  /** Lets the process end while listening. */
  unref(): void;
}

/**
 * A way to reach another process: two functions and two facts, so that another one (TLS, stdio, a message broker)
 * is a small package.
 */
export interface Transport {
  /** The longest pause between two dials, in milliseconds: short where a dial costs nothing. @default 1000 */
  readonly maxRetryDelayMs?: number;
  /**
   * Where `dial` and `listen` would go: for messages, and checked before anything is opened.
   *
   * @throws TypeError with the code `IPC_NAME_INVALID`; RangeError for a slot's id outside 1 … 2^32-1
   * @throws TransportError `IPC_PATH_TOO_LONG`, or `IPC_TRANSPORT_FAILED` for a slot past the last port
   */
  address(name: string, endpoint: Endpoint): string;
  /**
   * Resolves when a client can connect. `onStream` is called after that, once for each connection, and owns the stream:
   * it does not flow yet and has lost nothing, so attach 'data' or call `resume()`. It ends by itself after the peer's
   * end, and an 'error' that nobody listens for harms nothing.
   *
   * @throws TypeError with the code `IPC_NAME_INVALID` for a wrong name
   * @throws TransportError `IPC_ADDRESS_IN_USE` and what else the transport tells
   */
  listen(
    name: string,
    endpoint: Endpoint,
    onStream: (stream: Duplex) => void,
    options: ListenOptions,
  ): Promise<Listener>;
  /**
   * Resolves with a connected stream that nobody has read from, in the same state as those of `listen`. One attempt:
   * redialling is the caller's.
   *
   * @throws TypeError with the code `IPC_NAME_INVALID` for a wrong name
   * @throws TransportError `IPC_NO_SERVER` and what else the transport tells
   */
  dial(name: string, endpoint: Endpoint, options: AbortOptions): Promise<Duplex>;
}

/** @deprecated Use `Endpoint`. */
export type Door = Endpoint;
/** @deprecated Use `AbortOptions`. */
export type Wait = AbortOptions;
