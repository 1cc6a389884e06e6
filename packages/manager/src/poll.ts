import {
  type DataMessage,
  type IpcError,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
  Waiter,
} from "@ipc/session";
import type { Member } from "./member.js";
import type { ServerConnection } from "./server-connection.js";
import type { SharedStream, StreamReader } from "./shared-stream.js";

/**
 * Is given what one connection had: a message, a status, or `timeoutMessage`. `error`: why the connection was lost, beside its
 * Disconnected. The poll waits for the promise that it returns, and fails with it.
 */
export type PollCallback = (
  connection: ServerConnection,
  message: DataMessage | StatusMessage | TimeoutMessage,
  error: IpcError | undefined,
) => unknown;

export interface PollPlan {
  /** For messages. */
  readonly what: string;
  /** Undefined: for ever. */
  readonly ms: number | undefined;
  /** Whether it ends when the first have been served, and not the slowest. */
  readonly fastest: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads once from every connection, as golang-ipc's ServerManager does. Nothing is lost: what a poll does not take, the next
 * one finds.
 */
export class Poll {
  readonly #stream: SharedStream;
  readonly #plan: PollPlan;
  readonly #callback: PollCallback;
  readonly #served = new Set<Member>();
  #awaited: Set<Member> | undefined;
  readonly #calls: Promise<unknown>[] = [];
  readonly #over: Waiter<"served" | "timed out">;
  readonly #reader: StreamReader;

  constructor(stream: SharedStream, plan: PollPlan, callback: PollCallback) {
    const { what, ms, signal } = plan;
    this.#stream = stream;
    this.#plan = plan;
    this.#callback = callback;
    this.#over = new Waiter<"served" | "timed out">({
      what,
      ...(signal && { signal }),
      ...(ms !== undefined && { timeout: { ms, value: "timed out" } }),
      leave: () => {},
    });
    this.#reader = {
      what: `a pending ${what}`,
      ready: (member) => this.#serve(member),
      // One that comes while there is nobody to wait for is waited for.
      takesNew: () => this.#served.size === 0 && this.#awaited?.size === 0,
      ended: () => this.#endWhenDone(),
    };
  }

  /** Rejects with IPC_CONSUMER_TAKEN, IPC_ABORTED, IPC_CLOSED, and with what a callback fails with. */
  async run(): Promise<void> {
    try {
      this.#stream.take(this.#reader);
      const awaited = new Set(this.#stream.lent().filter((member) => !this.#served.has(member)));
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

  #serve(member: Member): void {
    if (this.#served.has(member)) return;
    const received = member.inbox.take();
    if (received !== undefined) {
      this.#served.add(member);
      this.#awaited?.delete(member);
      this.#call(member, received);
    } else if (member.inbox.isOver) {
      this.#awaited?.delete(member);
      this.#stream.forget(member);
    }
    this.#endWhenDone();
  }

  #call(member: Member, message: DataMessage | StatusMessage | TimeoutMessage): void {
    const isGone = message.kind === "status" && message.status === "Disconnected";
    const call = async (): Promise<unknown> =>
      this.#callback(member.connection, message, isGone ? member.error : undefined);
    this.#calls.push(call());
  }

  #endWhenDone(): void {
    if (this.#awaited === undefined) return;
    const isLast = this.#awaited.size === 0;
    if (this.#served.size > 0 && (this.#plan.fastest || isLast)) this.#over.resolve("served");
    else if (this.#stream.endedBy !== undefined && isLast) this.#over.reject(this.#stream.endedBy.error());
  }
}
