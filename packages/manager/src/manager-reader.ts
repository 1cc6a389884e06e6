import { type DataMessage, type IpcError, isIpcError } from "@ipc/session";
import {
  abortError,
  assertListener,
  handledRejection,
  type MessageIterator,
  PeerEmitter,
  validateAbortOptions,
  validateDelay,
} from "@ipc/session/internal";
import type { AbortOptions } from "@ipc/transport";
import { formatValue } from "@ipc/transport/internal";
import { DeliveryDispatcher } from "./delivery-dispatcher.js";
import { iterateDeliveries } from "./delivery-iteration.js";
import type { Delivery } from "./merged-stream.js";
import { MergedStream, type MergedStreamOptions, type StreamEnd } from "./merged-stream.js";
import { Poll, type PollCallback, type PollOptions } from "./poll.js";
import type { ServerConnection } from "./server-connection.js";

/** What a ServerManager tells. */
export interface ServerManagerEvents {
  /**
   * A client is there, in `connections`, and nothing of it has been delivered. Whoever begins to read it in a listener, before
   * anything is awaited, has it for himself.
   */
  connection: [connection: ServerConnection];
  /**
   * A client has gone, once for each `connection`; it is not in `connections` any more. What it left unread, and its
   * Disconnected, are still read. `error`: why, unless either side ended it in an orderly way.
   */
  disconnection: [connection: ServerConnection, error: IpcError | undefined];
  /**
   * Data only, of every connection that nobody reads singly. While there is a listener, messages flow; `connection.pause()`
   * holds that one's back.
   */
  message: [connection: ServerConnection, message: DataMessage];
  /** A connection never became one: its handshake failed, it was turned away, or nobody came for an id. */
  refused: [error: IpcError];
  /** Final failure, at most once; `close` follows. Without a listener it is not thrown. */
  error: [error: IpcError];
  /** Exactly once; nothing follows. */
  close: [];
}

/** What a manager is to whoever reads from it: the messages of all connections, by iteration, listeners or polls. */
export abstract class ManagerReader implements AsyncIterable<Delivery> {
  protected readonly stream: MergedStream;
  readonly #emitter = new PeerEmitter<ServerManagerEvents>();
  readonly #flow: DeliveryDispatcher;

  constructor(options: MergedStreamOptions) {
    this.stream = new MergedStream(options);
    this.#flow = new DeliveryDispatcher(this.stream, (connection, message) => {
      this.emit("message", connection, message);
      this.#stopFlowWhenAlone();
    });
  }

  /**
   * Adds a listener. The first one of `message` takes the messages of all connections.
   * @throws TypeError; SessionError IPC_CONSUMER_TAKEN, for `message`
   */
  on<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => void): this {
    assertListener(listener);
    if (event === "message") this.#flow.start();
    this.#emitter.on(event, listener);
    return this;
  }

  /** As `on`, for the next such event only. */
  once<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => void): this {
    assertListener(listener);
    if (event === "message") this.#flow.start();
    this.#emitter.once(event, listener);
    return this;
  }

  /** Takes a listener off. After the last one of `message`, messages stay unread until somebody reads. */
  off<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => void): this {
    this.#emitter.off(event, listener);
    this.#stopFlowWhenAlone();
    return this;
  }

  /**
   * Iterates over the messages of every connection that nobody reads singly, in turns, until the manager is closed; then it
   * just ends. What a client left unread when it went is delivered, too. `break` ends the reading and closes nothing.
   *
   * `next` rejects with IPC_CONSUMER_TAKEN, IPC_LISTENER_LOST, and with IPC_CLOSED after `destroy`.
   */
  [Symbol.asyncIterator](): MessageIterator<Delivery> {
    return iterateDeliveries(this.stream);
  }

  /**
   * Reads one message or status of every connection that nobody reads singly, gives each to `callback` as it comes, and
   * resolves when the slowest has had one and every callback is done. Who comes later is part of the next poll, unless there
   * was nobody: then the first that comes is waited for.
   *
   * Rejects with TypeError, RangeError, IPC_CONSUMER_TAKEN, IPC_ABORTED, IPC_CLOSED, IPC_LISTENER_LOST, and with what a
   * callback fails with.
   * @see golang-ipc pool.go, `Read`
   */
  read(callback: PollCallback, options?: AbortOptions): Promise<void> {
    return this.#poll({ what: "read", ms: undefined, fastest: false, signal: options?.signal }, callback, options);
  }

  /**
   * As `read`, but whoever has nothing within `ms` milliseconds gives `timeoutMessage`. Where nobody comes, it waits its time
   * and calls nothing.
   * @param ms 0 … 2 147 483 647
   * @see golang-ipc pool.go, `ReadTimed`
   */
  readTimed(ms: number, callback: PollCallback, options?: AbortOptions): Promise<void> {
    return this.#pollTimed({ what: "readTimed", ms, fastest: false, signal: options?.signal }, callback, options);
  }

  /**
   * As `readTimed`, but ends with the first that has something. Whoever has nothing by then is not called for; what he says
   * later, the next poll finds.
   * @param ms 0 … 2 147 483 647
   * @see golang-ipc pool.go, `ReadTimedFastest`
   */
  readTimedFastest(ms: number, callback: PollCallback, options?: AbortOptions): Promise<void> {
    return this.#pollTimed({ what: "readTimedFastest", ms, fastest: true, signal: options?.signal }, callback, options);
  }

  protected emit<K extends keyof ServerManagerEvents>(event: K, ...args: ServerManagerEvents[K]): void {
    this.#emitter.emit(event, ...args);
  }

  /** Nobody comes any more. */
  protected endReading(end: StreamEnd): void {
    this.stream.end(end);
  }

  protected clear(): void {
    this.#emitter.clear();
    this.#stopFlowWhenAlone();
  }

  #stopFlowWhenAlone(): void {
    if (!this.#emitter.has("message")) this.#flow.stop();
  }

  #pollTimed(plan: PollOptions, callback: PollCallback, options: AbortOptions | undefined): Promise<void> {
    const fault = validateDelay(`${plan.what}: \`ms\``, plan.ms);
    return fault === undefined ? this.#poll(plan, callback, options) : handledRejection(fault);
  }

  #poll(plan: PollOptions, callback: PollCallback, options: AbortOptions | undefined): Promise<void> {
    const { what, signal } = plan;
    if (typeof callback !== "function") {
      return handledRejection(new TypeError(`${what}: \`callback\` takes a function, got ${formatValue(callback)}`));
    }
    const fault = validateAbortOptions(what, options);
    if (fault !== undefined) return handledRejection(fault);
    if (signal?.aborted === true) return handledRejection(abortError(what, signal));
    const over: Promise<void> = new Poll(this.stream, plan, callback).run().catch((error: unknown) => {
      // As every wait's: an end that nobody waits for is told by other ways too. What a callback fails with is not.
      if (isIpcError(error)) over.catch(() => {});
      throw error;
    });
    return over;
  }
}
