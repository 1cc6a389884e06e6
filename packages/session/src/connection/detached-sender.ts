import { handledRejection } from "../deferred.js";
import { abortError } from "../errors.js";
import type { Amount } from "../output/frame-output.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { TurnBudget } from "./turn-budget.js";
import type { WriteQueue, WriteSink, WriteTarget, WriteUntil } from "./write-queue.js";

const DONE: Promise<void> = Promise.resolve();

const NOTHING = Object.freeze({ messages: 0, bytes: 0 });

/** Accepts messages of a resumable session while it has no connection: the next one sends them. */
export class DetachedSender implements WriteSink, WriteTarget {
  readonly #session: ResumableSession;
  readonly #waiting: WriteQueue;
  readonly #turn = new TurnBudget(this);
  #isOver = false;
  #acceptedMessages = 0;
  #acceptedBytes = 0;

  constructor(session: ResumableSession, waiting: WriteQueue) {
    this.#session = session;
    this.#waiting = waiting;
  }

  get acceptedMessages(): number {
    return this.#acceptedMessages;
  }

  get acceptedBytes(): number {
    return this.#acceptedBytes;
  }

  /** No byte waits for the kernel. */
  get queuedBytes(): number {
    return 0;
  }

  get unkept(): Amount {
    return NOTHING;
  }

  get isFree(): boolean {
    return this.#waiting.size === 0 && this.hasRoom();
  }

  get isWithinBudget(): boolean {
    return this.isFree;
  }

  write(type: number, data: Uint8Array, signal?: AbortSignal, until?: WriteUntil): Promise<void> {
    if (signal?.aborted === true) return this.#waiting.unawaited.reject(abortError("write", signal));
    if (this.isFree) return this.accept(type, data, signal, until) ?? DONE;
    const written = this.#waiting.write(type, data, signal, until);
    this.#awaitBudget();
    return written;
  }

  /** Accepts writes that waited for the queue of the connection that was cut, as far as the session has room. */
  start(): void {
    this.onRoom();
  }

  /** Another connection is there, or the session has ended. */
  end(): void {
    this.#isOver = true;
    this.#session.resend.leaveWait(this);
  }

  hasRoom(): boolean {
    return this.#session.resend.hasRoom(0);
  }

  accept(type: number, data: Uint8Array, signal?: AbortSignal, until?: WriteUntil): Promise<void> | undefined {
    const { resend } = this.#session;
    resend.keepMessage(type, data, false);
    this.#acceptedMessages++;
    this.#acceptedBytes += data.length;
    if (until === undefined) return undefined;
    return this.#session.whenTaken(
      resend.last,
      "write (accepted, the message may still be sent)",
      signal,
      this.#waiting.unawaited,
    );
  }

  flush(signal: AbortSignal | undefined, until: WriteUntil | undefined): Promise<void> {
    if (signal?.aborted === true) return handledRejection(abortError("flush", signal));
    if (this.#waiting.size > 0) return this.#waiting.flush(signal, until);
    return this.flushed(signal, until) ?? DONE;
  }

  /** Waits for a connection, which flushes what it is handed. */
  flushed(signal?: AbortSignal, until?: WriteUntil): Promise<void> | undefined {
    const session = this.#session;
    return until === undefined ? session.whenFlushed(signal) : session.whenTaken(session.resend.last, "flush", signal);
  }

  /** Goes on with what waits, because others have freed bytes of the total. */
  onRoom(): void {
    if (this.#isOver) return;
    this.#waiting.drainInto(this, this.#turn);
    this.#awaitBudget();
  }

  /** Nothing of its own is released without a connection, so only other sessions can make room. */
  #awaitBudget(): void {
    if (this.#waiting.size > 0) this.#session.resend.waitForBudget(0, this);
  }
}
