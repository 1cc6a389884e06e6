import { type Deferred, handledRejection } from "../deferred.js";
import { abortError, type IpcError, notResumableError, rethrowDefect } from "../errors.js";
import { CONTROL_TYPE } from "../message.js";
import { type Amount, FrameOutput } from "../output/frame-output.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { nextMacrotask, noteFlush } from "../scheduling/write-yield.js";
import { BudgetHolder } from "../shared-budget.js";
import { Replay } from "./replay.js";
import type { SenderOptions } from "./sender-options.js";
import { TurnBudget } from "./turn-budget.js";
import type { WriteQueue, WriteSink, WriteTarget, WriteUntil } from "./write-queue.js";

const DONE: Promise<void> = Promise.resolve();

/**
 * Accepts messages for one stream, and bounds the bytes that are queued and, in a session that can be resumed, kept. It belongs to one
 * connection, so no message queued for one peer can reach another.
 */
export class Sender implements WriteSink, WriteTarget {
  readonly #maxQueuedBytes: number;
  readonly #exhausted: SenderOptions["exhausted"];
  readonly #waiting: WriteQueue;
  readonly #session: ResumableSession | undefined;
  readonly #output: FrameOutput;
  readonly #budget: BudgetHolder | undefined;
  #failure: Error | undefined;
  /** Nothing may follow the announcement of this side's end. */
  #hasAnnouncedEnd = false;
  #acceptedMessages = 0;
  #acceptedBytes = 0;
  /** The messages that earlier connections of the session have left. */
  #replay: Replay | undefined;
  readonly #turn = new TurnBudget(this);
  /** The end of the last ACK in the output. */
  #ackEnd = 0;

  constructor({ stream, encoder, maxQueuedBytes, busyPollUs, budget, waiting, exhausted, session }: SenderOptions) {
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#exhausted = exhausted;
    this.#waiting = waiting;
    this.#session = session;
    this.#budget = budget && new BudgetHolder(budget, this);
    const written = (): void => this.#onWritten();
    const failed = (error: IpcError): void => this.#onFailed(error);
    this.#output = new FrameOutput({ stream, encoder, busyPollUs, resend: session?.resend, written, failed });
  }

  get acceptedMessages(): number {
    return this.#acceptedMessages;
  }

  /** Bytes of data, without framing. */
  get acceptedBytes(): number {
    return this.#acceptedBytes;
  }

  /** Bytes accepted and not yet passed to the kernel. */
  get queuedBytes(): number {
    return this.#output.queuedBytes;
  }

  /** Messages accepted and not yet passed to the kernel, and their bytes on the wire. */
  get unsent(): Amount {
    return this.#output.unsent;
  }

  /** Messages and bytes that the session does not keep yet, because they are in the batch of this tick. */
  get unkept(): Amount {
    return this.#output.unkept;
  }

  /** Whether the next message is accepted at once. */
  get isFree(): boolean {
    if (this.#output.roomBytes > 0) return true;
    if (this.#waiting.size > 0 || !this.hasRoom()) return false;
    // Other connections also use a shared budget; and headroom and tailroom count only once the batch has a frame.
    if (this.#budget === undefined && this.#output.batchBytes > 0) {
      const keepable = (this.#session?.resend.roomBytes ?? Number.POSITIVE_INFINITY) - this.#output.batchBytes;
      this.#output.roomBytes = Math.min(this.#maxQueuedBytes - this.queuedBytes, keepable);
    }
    return true;
  }

  /** Whether the next message is accepted at once, or waits only until a large one before it is encoded. */
  get isWithinBudget(): boolean {
    return this.isFree || (this.#output.isBusy && this.#isWithin(this.queuedBytes + this.#waiting.bytes));
  }

  /** Whether a write waits until the peer has acknowledged messages. */
  get isBlocked(): boolean {
    return this.#waiting.size > 0 && this.#session?.resend.hasRoom(this.#output.batchBytes) === false;
  }

  write(type: number, data: Uint8Array, signal?: AbortSignal, until?: WriteUntil): Promise<void> {
    // Not positive after a failure, for the first two messages of a batch, and with a shared budget.
    if (this.#output.roomBytes > 0 && signal === undefined) return this.accept(type, data, signal, until) ?? DONE;
    return this.#writeOrWait(type, data, signal, until);
  }

  #writeOrWait(type: number, data: Uint8Array, signal?: AbortSignal, until?: WriteUntil): Promise<void> {
    if (this.#failure !== undefined) return this.#waiting.unawaited.reject(this.#failure);
    if (signal?.aborted === true) return this.#waiting.unawaited.reject(abortError("write", signal));
    if (this.isFree) return this.accept(type, data, signal, until) ?? DONE;
    const written = this.#waiting.write(type, data, signal, until);
    this.#awaitBudgets();
    return written;
  }

  flush(signal: AbortSignal | undefined, until?: WriteUntil): Promise<void> {
    if (this.#failure !== undefined) return handledRejection(this.#failure);
    if (signal?.aborted === true) return handledRejection(abortError("flush", signal));
    if (this.#waiting.size > 0 || this.#replay !== undefined) return this.#waiting.flush(signal, until);
    const flushed = this.flushed(signal, until) ?? DONE;
    // Acknowledgements are read in another macrotask, and without them every later write would wait.
    const isDue = noteFlush() || this.#session?.resend.isHalfFull === true;
    return isDue ? flushed.then(nextMacrotask) : flushed;
  }

  /** Sends what earlier connections of the session have left, then the writes that waited for this one. */
  start(): void {
    if (this.#session !== undefined) this.#replay = new Replay(this.#session.resend, this.#output, this.#turn);
    this.onRoom();
  }

  /** Goes on with what waits, because the queue or the session has room. */
  onRoom(): void {
    if (this.#failure !== undefined) return;
    if (this.#replay === undefined || this.#sendAgain(this.#replay)) this.#waiting.drainInto(this, this.#turn);
    this.#awaitBudgets();
  }

  hasRoom(): boolean {
    if (this.#replay !== undefined || !this.#hasQueueRoom()) return false;
    return this.#session?.resend.hasRoom(this.#output.batchBytes) !== false;
  }

  accept(type: number, data: Uint8Array, signal?: AbortSignal, until?: WriteUntil): Promise<void> | undefined {
    let more: Promise<void> | undefined;
    try {
      if (this.#output.isLarge(data)) return this.#acceptLarge(type, data, signal, until);
      more = this.#output.addSmall(type, data, 1);
    } catch (error) {
      return this.#refuse(error);
    }
    // Sealing the batch before it failed, so this message was not added: it is rejected and not counted.
    if (this.#failure !== undefined && more === undefined) return this.#waiting.unawaited.reject(this.#failure);
    this.#count(data);
    return until === undefined ? more : this.#whenTaken("write", signal);
  }

  /** @throws CryptoError */
  #acceptLarge(type: number, data: Uint8Array, signal?: AbortSignal, until?: WriteUntil): Promise<void> | undefined {
    const isKept = this.#output.addLarge(type, data) && this.#session !== undefined;
    // The same, unless the session has it and sends it again.
    if (this.#failure !== undefined && !isKept) return this.#waiting.unawaited.reject(this.#failure);
    this.#count(data);
    if (until !== undefined) return this.#whenTaken("write", signal);
    // A kept message was copied, so the caller need not wait for the kernel.
    return isKept ? nextMacrotask() : this.#output.whenSent(data, signal, this.#waiting.unawaited);
  }

  #count(data: Uint8Array): void {
    this.#acceptedMessages++;
    this.#acceptedBytes += data.length;
    if (this.#budget !== undefined) this.#settleBudget();
  }

  /** Sends a control frame of at most 128 bytes behind the accepted messages and ahead of the waiting ones. It waits for no room. */
  sendControl(data: Uint8Array): void {
    if (this.#failure !== undefined || this.#hasAnnouncedEnd) return;
    try {
      void this.#output.addSmall(CONTROL_TYPE, data, 0);
    } catch (error) {
      void this.#refuse(error);
    }
    this.#settleBudget();
  }

  /** Sends an ACK, unless an earlier one still waits in the queue: a peer that does not read costs no memory. */
  sendAck(data: Uint8Array): boolean {
    const { tracker } = this.#output;
    if (!tracker.hasWritten(this.#ackEnd)) return false;
    this.sendControl(data);
    this.#ackEnd = tracker.handedBytes + this.#output.batchBytes;
    return true;
  }

  flushed(signal?: AbortSignal, until?: WriteUntil): Promise<void> | undefined {
    this.#output.handBatch();
    if (this.#failure !== undefined) return handledRejection(this.#failure);
    return until === undefined ? this.#output.whenFlushed(signal) : this.#whenTaken("flush", signal);
  }

  /** Sends the announcement of this side's end, after `flush`. Resolves when the kernel has it, or when it can no longer be sent. */
  async closeNotify(signal?: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) return;
    // The signal may have fired after the flush resolved, and does not fire again.
    if (signal?.aborted === true) throw abortError("close", signal);
    try {
      // A large message that would take too long is cut off; no announcement may come within it.
      if (!this.#output.tryFinish()) return;
      const last = this.#output.encoder.closeNotify();
      this.#hasAnnouncedEnd = true;
      this.#replay = undefined;
      if (last === undefined) return;
      this.#output.hand(last, 0);
      await this.#output.tracker.wait("close", signal);
    } catch (error) {
      // The cipher is exhausted, or the peer went away without waiting for it: the messages have been sent.
      if (rethrowDefect(error).code === "IPC_ABORTED") throw error;
    }
  }

  /** Rejects every wait with `error`; later writes and flushes are rejected too. */
  fail(error: Error): void {
    this.#stop(error);
    this.#waiting.rejectAll(error);
    this.#output.tracker.rejectAll(error);
  }

  /** Ends this sender because the connection was lost; its messages stay with the session. Returns the flushes that wait. */
  detach(error: Error): readonly Deferred<void>[] {
    this.#stop(error);
    return this.#output.tracker.release();
  }

  #stop(error: Error): void {
    this.#failure = error;
    this.#output.stop();
    this.#budget?.end();
    this.#session?.resend.leaveWait(this);
  }

  /** Waiting writes may need bytes that other connections hold. Their own peer may take nothing when those are freed. */
  #awaitBudgets(): void {
    if (this.#failure !== undefined || (this.#waiting.size === 0 && this.#replay === undefined)) return;
    this.#budget?.waitIfFull(this.queuedBytes);
    this.#session?.resend.waitForBudget(this.#output.batchBytes, this);
  }

  #hasQueueRoom(): boolean {
    return !this.#output.isBusy && this.#isWithin(this.queuedBytes);
  }

  #isWithin(queued: number): boolean {
    if (this.#failure !== undefined || queued >= this.#maxQueuedBytes) return false;
    return this.#budget?.isFull(queued) !== true;
  }

  /** Ends the connection when the cipher is exhausted; messages accepted before are still handed to the stream. */
  #refuse(thrown: unknown): Promise<never> {
    const error = rethrowDefect(thrown);
    this.#output.handBatch();
    this.#exhausted(error);
    return this.#waiting.unawaited.reject(error);
  }

  /** The messages of a batch were accepted but cannot be sent: every flush that waits for them must reject, unless they are kept. */
  #onFailed(error: IpcError): void {
    if (this.#session === undefined) this.fail(error);
    else this.#stop(error);
    this.#exhausted(error);
  }

  #onWritten(): void {
    this.#settleBudget();
    if (this.#waiting.size > 0 || this.#replay !== undefined) this.onRoom();
  }

  /** Sends the messages of earlier connections. Returns whether that was all. */
  #sendAgain(replay: Replay): boolean {
    try {
      if (!replay.send(() => this.#hasQueueRoom())) return false;
    } catch (error) {
      void this.#refuse(error);
      return false;
    }
    this.#replay = undefined;
    for (const flush of this.#session?.takeFlushes() ?? []) flush.resolve(this.flushed() ?? DONE);
    return true;
  }

  /** Returns the promise of what was accepted last, and of all before it. */
  #whenTaken(what: string, signal: AbortSignal | undefined): Promise<void> | undefined {
    const session = this.#session;
    const { unawaited, onWaiting } = this.#waiting;
    if (session === undefined) return unawaited.reject(notResumableError(what));
    const accepted = `${what} (accepted, the message may still be sent)`;
    const watch = what === "write" ? unawaited : undefined;
    const taken = session.whenTaken(session.resend.last + this.unkept.messages, accepted, signal, watch);
    onWaiting?.();
    return taken;
  }

  /** Updates the shared budget with the bytes queued here now. After a failure, `#stop` has returned them. */
  #settleBudget(): void {
    if (this.#failure === undefined) this.#budget?.set(this.queuedBytes);
  }
}
