import {
  abortError,
  assertListener,
  type DataMessage,
  findDelayFault,
  findWaitFault,
  type IpcError,
  type Iteration,
  PeerEmitter,
  rejected,
  show,
} from "@ipc/session";
import type { Wait } from "@ipc/transport";
import { DeliveryFlow } from "./delivery-flow.js";
import { iterateDeliveries } from "./delivery-iteration.js";
import type { Delivery } from "./member.js";
import { Poll, type PollCallback, type PollPlan } from "./poll.js";
import type { ServerConnection } from "./server-connection.js";
import { SharedStream, type SharedStreamOptions, type StreamEnd } from "./shared-stream.js";

export interface ServerManagerEvents {
  /** A client is there. A loop over it that begins in a listener, before anything is awaited, reads it singly. */
  connection: [connection: ServerConnection];
  /** A client is gone, once for each `connection`. `error`: why, unless either side ended it in an orderly way. */
  disconnection: [connection: ServerConnection, error: IpcError | undefined];
  /** Data only, of every connection that nobody reads singly; `connection.pause()` holds that one's back. */
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
  protected readonly stream: SharedStream;
  readonly #emitter = new PeerEmitter<ServerManagerEvents>();
  readonly #flow: DeliveryFlow;

  constructor(options: SharedStreamOptions) {
    this.stream = new SharedStream(options);
    this.#flow = new DeliveryFlow(this.stream, (connection, message) => this.emit("message", connection, message));
  }

  on<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => void): this {
    assertListener(listener);
    if (event === "message") this.#flow.start();
    this.#emitter.on(event, listener);
    return this;
  }

  once<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => void): this {
    assertListener(listener);
    if (event === "message") this.#flow.start();
    this.#emitter.once(event, listener);
    return this;
  }

  off<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => void): this {
    this.#emitter.off(event, listener);
    if (!this.#emitter.has("message")) this.#flow.stop();
    return this;
  }

  /**
   * Iterates over the messages of every connection that nobody reads singly, in turns, until the manager is closed; then it
   * just ends. What a client leaves unread is delivered, too.
   *
   * `next` rejects with IPC_CONSUMER_TAKEN, IPC_LISTENER_LOST, and with IPC_CLOSED after `destroy`.
   */
  [Symbol.asyncIterator](): Iteration<Delivery> {
    return iterateDeliveries(this.stream);
  }

  /**
   * Reads one message or status of every connection, and ends with the slowest. With no connection it waits for one.
   *
   * Rejects with IPC_CONSUMER_TAKEN, IPC_ABORTED, IPC_CLOSED, and with what a callback fails with.
   * @see golang-ipc pool.go, `Read`
   */
  read(callback: PollCallback, options?: Wait): Promise<void> {
    return this.#poll({ what: "read", ms: undefined, fastest: false, signal: options?.signal }, callback, options);
  }

  /**
   * As `read`; a connection that has nothing within `ms` milliseconds gives `timeoutMessage`. Without any, it waits its time.
   * @see golang-ipc pool.go, `ReadTimed`
   */
  readTimed(ms: number, callback: PollCallback, options?: Wait): Promise<void> {
    return this.#poll({ what: "readTimed", ms, fastest: false, signal: options?.signal }, callback, options);
  }

  /**
   * As `readTimed`, but ends with the fastest: those who have nothing by then are asked again in the next one.
   * @see golang-ipc pool.go, `ReadTimedFastest`
   */
  readTimedFastest(ms: number, callback: PollCallback, options?: Wait): Promise<void> {
    return this.#poll({ what: "readTimedFastest", ms, fastest: true, signal: options?.signal }, callback, options);
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
  }

  #poll(plan: PollPlan, callback: PollCallback, options: Wait | undefined): Promise<void> {
    const { what, ms } = plan;
    const fault =
      (ms === undefined ? undefined : findDelayFault(`${what}: \`ms\``, ms)) ??
      (typeof callback === "function"
        ? undefined
        : new TypeError(`${what}: \`callback\` takes a function, got ${show(callback)}`)) ??
      findWaitFault(what, options);
    if (fault !== undefined) return rejected(fault);
    if (plan.signal?.aborted === true) return rejected(abortError(what, plan.signal));
    return new Poll(this.stream, plan, callback).run();
  }
}
