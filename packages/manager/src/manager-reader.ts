import { type DataMessage, type IpcError, isIpcError, type MessageIterator } from "@ipc/session";
import {
  abortError,
  Consumer,
  handledRejection,
  ListenerFailures,
  PeerEmitter,
  type SlipReporter,
  type SourceEnd,
  validateAbortOptions,
  validateDelay,
} from "@ipc/session/internal";
import type { AbortOptions } from "@ipc/transport";
import { formatValue } from "@ipc/transport/internal";
import { type Delivery, MergedStream, type MergedStreamOptions } from "./merged-stream.js";
import { Poll, type PollCallback, type PollOptions } from "./poll.js";
import { ManagedConnection, type ServerConnection } from "./server-connection.js";

/** Events of a ServerManager. */
export interface ServerManagerEvents {
  /**
   * A client has connected; it is in `connections`, and no message of it has been delivered. A listener that starts to read it
   * before it awaits anything is its only reader.
   */
  connection: [connection: ServerConnection];
  /**
   * A client has disconnected, once for each `connection`; it has left `connections`. Its unread messages and its Disconnected
   * can still be read. `error`: the reason, IPC_PEER_CLOSED if the client closed; undefined if this side closed.
   */
  disconnection: [connection: ServerConnection, error: IpcError | undefined];
  /**
   * Data messages of every connection that is not read individually. They flow while there is a listener; `connection.pause()`
   * holds back those of one connection.
   */
  message: [connection: ServerConnection, message: DataMessage];
  /** A client was not accepted: its handshake failed, it was rejected, or it did not complete the id protocol. */
  refused: [error: IpcError];
  /** The socket file at `address` had vanished, and the manager listens there again. Clients stayed connected. */
  relisted: [address: string];
  /** The manager failed for good, at most once; `close` follows. An `error` without a listener is not thrown. */
  error: [error: IpcError];
  /** Emitted exactly once, as the last event. */
  close: [];
}

/** Every event of a manager, and whether a listener that fails ends the connection that is its first argument. */
const EVENTS: Readonly<Record<keyof ServerManagerEvents, boolean>> = {
  connection: true,
  disconnection: false,
  message: true,
  refused: false,
  relisted: false,
  error: false,
  close: false,
};

export interface ManagerInputOptions extends MergedStreamOptions {
  readonly slips: SlipReporter;
}

/** The messages of all connections, their one consumer, and the listeners of a manager. */
export class ManagerInput {
  readonly stream: MergedStream;
  readonly consumer: Consumer<Delivery>;
  readonly emitter: PeerEmitter<ServerManagerEvents, ServerConnection>;

  constructor(options: ManagerInputOptions) {
    this.stream = new MergedStream(options);
    this.consumer = new Consumer(this.stream, ({ connection, message }) => this.emit("message", connection, message));
    this.consumer.onHeld = () => this.stream.open();
    this.consumer.onReleased = () => this.stream.close();
    const failures = new ListenerFailures<ServerManagerEvents, ServerConnection>({
      slips: options.slips,
      connectionOf: (event, args) => (EVENTS[event] ? (args[0] as ServerConnection) : undefined),
      end: (connection, error) => ManagedConnection.of(connection).endConnection(error),
      isEnd: (connection, error) => ManagedConnection.of(connection).isEnd(error),
    });
    this.emitter = new PeerEmitter(Object.keys(EVENTS), failures, this.consumer);
  }

  emit<K extends keyof ServerManagerEvents>(event: K, ...args: ServerManagerEvents[K]): void {
    this.emitter.emit(event, ...args);
  }

  /** Ends the stream, and then the events: `error` if the manager failed, and `close`. */
  end(end: SourceEnd, failure?: IpcError): void {
    this.stream.finish(end);
    if (failure !== undefined) this.emit("error", failure);
    this.emit("close");
    this.emitter.clear();
    this.consumer.unlisten();
  }
}

/** The reading side of a manager: the messages of all connections, by iteration, listeners or polls. */
export abstract class ManagerReader implements AsyncIterable<Delivery> {
  readonly #input: ManagerInput;

  constructor(input: ManagerInput) {
    this.#input = input;
  }

  /**
   * Adds a listener. The first `message` listener takes over the messages of all connections.
   * @throws TypeError; SessionError IPC_CONSUMER_TAKEN, for `message`
   */
  on<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => unknown): this {
    this.#input.emitter.on(event, listener);
    return this;
  }

  /** Like `on`, for the next such event only. */
  once<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => unknown): this {
    this.#input.emitter.once(event, listener);
    return this;
  }

  /** Removes a listener. After the last `message` listener is removed, messages stay unread until the next reader. */
  off<K extends keyof ServerManagerEvents>(event: K, listener: (...args: ServerManagerEvents[K]) => unknown): this {
    this.#input.emitter.off(event, listener);
    return this;
  }

  /**
   * Iterates in round-robin order over the messages of every connection that is not read individually, and ends when the
   * manager is closed. Messages that a disconnected client left unread are delivered too. `break` closes nothing.
   *
   * `next` rejects with IPC_CONSUMER_TAKEN, IPC_LISTENER_LOST, and with IPC_CLOSED after `destroy`.
   */
  [Symbol.asyncIterator](): MessageIterator<Delivery> {
    return this.#input.consumer.iterate();
  }

  /**
   * Reads one message or status from every connection that is not read individually, passes each to `callback` as it arrives,
   * and resolves when the slowest connection had one and every callback is done. A connection that joins later belongs to the
   * next poll; if there is none at the start, the poll waits for the first to join.
   *
   * Rejects with TypeError, RangeError, IPC_CONSUMER_TAKEN, IPC_ABORTED, IPC_CLOSED, IPC_LISTENER_LOST, and with the error of a
   * failed callback.
   * @see golang-ipc pool.go, `Read`
   */
  read(callback: PollCallback, options?: AbortOptions): Promise<void> {
    return this.#poll({ what: "read", ms: undefined, fastest: false, signal: options?.signal }, callback, options);
  }

  /**
   * Like `read`, but passes `timeoutMessage` for each connection that has nothing within `ms` milliseconds. If no client
   * connects, it waits that long and calls nothing.
   * @param ms 0 … 2 147 483 647
   * @see golang-ipc pool.go, `ReadTimed`
   */
  readTimed(ms: number, callback: PollCallback, options?: AbortOptions): Promise<void> {
    return this.#pollTimed({ what: "readTimed", ms, fastest: false, signal: options?.signal }, callback, options);
  }

  /**
   * Like `readTimed`, but ends with the first connection that has something. The callback is not called for connections that
   * have nothing by then; the next poll finds their later messages.
   * @param ms 0 … 2 147 483 647
   * @see golang-ipc pool.go, `ReadTimedFastest`
   */
  readTimedFastest(ms: number, callback: PollCallback, options?: AbortOptions): Promise<void> {
    return this.#pollTimed({ what: "readTimedFastest", ms, fastest: true, signal: options?.signal }, callback, options);
  }

  #pollTimed(plan: PollOptions, callback: PollCallback, options: AbortOptions | undefined): Promise<void> {
    const fault = validateDelay(`${plan.what}: \`ms\``, plan.ms);
    return fault === undefined ? this.#poll(plan, callback, options) : handledRejection(fault);
  }

  #poll(plan: PollOptions, callback: PollCallback, options: AbortOptions | undefined): Promise<void> {
    const { what, signal } = plan;
    const { stream, consumer } = this.#input;
    if (typeof callback !== "function") {
      return handledRejection(new TypeError(`${what}: \`callback\` takes a function, got ${formatValue(callback)}`));
    }
    const fault = validateAbortOptions(what, options);
    if (fault !== undefined) return handledRejection(fault);
    if (signal?.aborted === true) return handledRejection(abortError(what, signal));
    const over: Promise<void> = new Poll(stream, consumer, plan, callback).run().catch((error: unknown) => {
      // Like every wait, an unawaited poll ignores an IpcError, which is reported elsewhere too. A callback's error is not.
      if (isIpcError(error)) over.catch(() => {});
      throw error;
    });
    return over;
  }
}
