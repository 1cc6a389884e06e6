import { type DataMessage, type IpcError, type StatusMessage, type TimeoutMessage, timeoutMessage } from "@ipc/session";
import { type Consumer, Deferred, ReceivedMessage } from "@ipc/session/internal";
import type { Delivery, MergedStream, StreamMember } from "./merged-stream.js";
import type { ManagedConnection, ServerConnection } from "./server-connection.js";

/**
 * Receives one item of a connection: a message, a status, or `timeoutMessage`. `error`: that of the event `disconnection`,
 * passed with its Disconnected. The poll awaits the returned promise and rejects if it does.
 */
export type PollCallback = (
  connection: ServerConnection,
  message: DataMessage | StatusMessage | TimeoutMessage,
  error: IpcError | undefined,
) => unknown;

export interface PollOptions {
  /** For error messages: the name of the method. */
  readonly what: string;
  /** Milliseconds until the poll times out; undefined: never. */
  readonly ms: number | undefined;
  /** Whether the poll ends with the first connection served instead of the slowest. */
  readonly fastest: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads once from every connection, as golang-ipc's ServerManager does. No message is lost: the next poll finds those that this
 * one does not take.
 */
export class Poll {
  readonly #stream: MergedStream;
  readonly #consumer: Consumer<Delivery>;
  readonly #plan: PollOptions;
  readonly #callback: PollCallback;
  /** The locked connections that have not been served. */
  readonly #awaited = new Set<StreamMember>();
  readonly #calls: Promise<unknown>[] = [];
  readonly #over: Deferred<"served" | "timed out">;

  /** @param consumer the stream's */
  constructor(stream: MergedStream, consumer: Consumer<Delivery>, plan: PollOptions, callback: PollCallback) {
    const { what, ms, signal } = plan;
    this.#stream = stream;
    this.#consumer = consumer;
    this.#plan = plan;
    this.#callback = callback;
    this.#over = new Deferred<"served" | "timed out">({
      what,
      ...(signal && { signal }),
      ...(ms !== undefined && { timeout: { ms, value: "timed out" } }),
      onCancel: () => {},
    });
  }

  /** Rejects with IPC_CONSUMER_TAKEN, IPC_ABORTED, IPC_CLOSED, IPC_LISTENER_LOST, and with the error of a failed callback. */
  async run(): Promise<void> {
    const { what } = this.#plan;
    try {
      this.#consumer.lock(what, `a pending ${what}`, { ready: () => this.#serve(), offer: () => false });
    } catch (error) {
      this.#over.commit();
      throw error;
    }
    try {
      // If no connection is awaited, the first one to join is.
      this.#stream.open(() => this.#awaited.size === 0 && this.#calls.length === 0, this.#awaited);
      this.#serve();
      if ((await this.#over.promise) === "timed out") {
        for (const { managed } of this.#awaited) this.#call(managed, timeoutMessage);
      }
    } finally {
      this.#over.commit();
      this.#consumer.unlock();
      this.#stream.close();
    }
    await Promise.all(this.#calls);
  }

  #serve(): void {
    for (let next = this.#stream.takeOf(this.#awaited); next !== undefined; next = this.#stream.takeOf(this.#awaited)) {
      this.#awaited.delete(next.member);
      this.#call(next.member.managed, next.message);
    }
    const { end } = this.#stream;
    // Once the manager has ended, every connection still awaited is paused.
    const isLast = this.#awaited.size === 0 || end !== undefined;
    if (this.#calls.length > 0 && (this.#plan.fastest || isLast)) this.#over.resolve("served");
    else if (end !== undefined) this.#over.reject(end.error());
  }

  #call({ connection, reason }: ManagedConnection, message: DataMessage | StatusMessage | TimeoutMessage): void {
    const isGone = message.kind === "status" && message.status === "Disconnected";
    // The callback may announce the end of the connection: the message is not taken by then.
    const steps = message.kind === "data" ? ReceivedMessage.stepsOf(message) : undefined;
    const step = steps?.begin() ?? 0;
    const call = (async (): Promise<unknown> => this.#callback(connection, message, isGone ? reason : undefined))();
    // A failed callback ends the poll at once, even if other connections have not been served.
    call.catch((error: Error) => this.#over.reject(error));
    const settle = (): void => steps?.settle(step);
    call.then(settle, settle);
    this.#calls.push(call);
  }
}
