import { type DataMessage, type IpcError, type StatusMessage, type TimeoutMessage, timeoutMessage } from "@ipc/session";
import { Deferred } from "@ipc/session/internal";
import type { MergedStream, StreamMember, StreamReader } from "./merged-stream.js";
import { ServerConnection } from "./server-connection.js";

/**
 * Receives one item of a connection: a message, a status, or `timeoutMessage`. `error`: the reason why the connection was lost,
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
  readonly #plan: PollOptions;
  readonly #callback: PollCallback;
  readonly #served = new Set<StreamMember>();
  #awaited: Set<StreamMember> | undefined;
  readonly #calls: Promise<unknown>[] = [];
  readonly #over: Deferred<"served" | "timed out">;
  readonly #reader: StreamReader;

  constructor(stream: MergedStream, plan: PollOptions, callback: PollCallback) {
    const { what, ms, signal } = plan;
    this.#stream = stream;
    this.#plan = plan;
    this.#callback = callback;
    this.#over = new Deferred<"served" | "timed out">({
      what,
      ...(signal && { signal }),
      ...(ms !== undefined && { timeout: { ms, value: "timed out" } }),
      onCancel: () => {},
    });
    this.#reader = {
      what,
      holder: `a pending ${what}`,
      ready: (member) => this.#serve(member),
      forgotten: (member) => {
        this.#awaited?.delete(member);
        this.#endWhenDone();
      },
      // If no connection is awaited, the first one to join is.
      takesNew: () => this.#served.size === 0 && this.#awaited?.size === 0,
      ended: () => this.#endWhenDone(),
    };
  }

  /** Rejects with IPC_CONSUMER_TAKEN, IPC_ABORTED, IPC_CLOSED, IPC_LISTENER_LOST, and with the error of a failed callback. */
  async run(): Promise<void> {
    try {
      this.#stream.take(this.#reader);
      const awaited = new Set(this.#stream.acquired().filter((member) => !this.#served.has(member)));
      this.#awaited = awaited;
      this.#endWhenDone();
      if ((await this.#over.promise) === "timed out") {
        for (const member of awaited) this.#call(member, timeoutMessage);
      }
    } finally {
      this.#over.commit();
      this.#stream.release(this.#reader);
    }
    await Promise.all(this.#calls);
  }

  #serve(member: StreamMember): void {
    if (this.#served.has(member)) return;
    // Mark it first: taking a message makes room, which may bring another at once; that one is the next poll's.
    this.#served.add(member);
    const received = member.inbox.take();
    if (received !== undefined) {
      this.#awaited?.delete(member);
      this.#call(member, received);
    } else {
      this.#served.delete(member);
      if (member.inbox.isOver) this.#stream.forget(member);
    }
    this.#endWhenDone();
  }

  #call(member: StreamMember, message: DataMessage | StatusMessage | TimeoutMessage): void {
    const isGone = message.kind === "status" && message.status === "Disconnected";
    const loss = isGone ? ServerConnection.lossOf(member.connection) : undefined;
    const call = (async (): Promise<unknown> => this.#callback(member.connection, message, loss))();
    // A failed callback ends the poll at once, even if other connections have not been served.
    call.catch((error: Error) => this.#over.reject(error));
    this.#calls.push(call);
  }

  #endWhenDone(): void {
    if (this.#awaited === undefined) return;
    const { endedBy } = this.#stream;
    // Once the manager has ended, every connection still awaited is paused.
    const isLast = this.#awaited.size === 0 || endedBy !== undefined;
    if (this.#served.size > 0 && (this.#plan.fastest || isLast)) this.#over.resolve("served");
    else if (endedBy !== undefined) this.#over.reject(endedBy.error());
  }
}
