import type { Duplex } from "node:stream";
import { LARGE_BYTES, type MessageEncoder } from "../codec/codec.js";
import { handledRejection } from "../deferred.js";
import { abortError, type IpcError, rethrowDefect } from "../errors.js";
import { CONTROL_TYPE } from "../message.js";
import { busyPoll, nextMacrotask, noteBatched, noteFlush, noteTickEnd } from "../scheduling/write-yield.js";
import type { SharedBudget } from "../shared-budget.js";
import { SendBuffer } from "./send-buffer.js";
import type { WriteQueue, WriteSink } from "./write-queue.js";
import { WriteTracker } from "./write-tracker.js";

/** Bytes that a connection may batch without yielding once all connections together have batched 256 KiB in a tick. */
const SHARE_BYTES = 4_096;

const DONE: Promise<void> = Promise.resolve();

export interface SenderOptions {
  readonly stream: Duplex;
  readonly encoder: MessageEncoder;
  readonly maxQueuedBytes: number;
  /** How long the event loop polls instead of sleeping after a send, in microseconds. */
  readonly busyPollUs: number;
  /** Budget of queued bytes that several connections share. */
  readonly budget?: SharedBudget | undefined;
  /** Holds writes made before the connection was established, and later writes that wait for room. */
  readonly waiting: WriteQueue;
  /** Called when the cipher is exhausted: the connection must end. */
  readonly exhausted: (error: IpcError) => void;
}

/**
 * Sends messages over one stream: batches the frames of a tick into one write, and bounds the queued bytes. It belongs to one
 * connection, so no message queued for one peer can reach another.
 */
export class Sender implements WriteSink {
  readonly #options: SenderOptions;
  readonly #stream: Duplex;
  readonly #encoder: MessageEncoder;
  readonly #waiting: WriteQueue;
  readonly #buffer: SendBuffer;
  readonly #tracker: WriteTracker;
  #messagesInBatch = 0;
  #flushScheduled = false;
  /** Bytes of this sender that are counted in the shared budget. */
  #budgetedBytes = 0;
  /** Bytes that the batch may still take without reading `writableLength`, which only falls until the next stream write. */
  #roomBytes = 0;
  #failure: Error | undefined;
  /** Nothing may follow the announcement of this side's end. */
  #hasAnnouncedEnd = false;
  #acceptedMessages = 0;
  #acceptedBytes = 0;

  constructor(options: SenderOptions) {
    const { stream, encoder, waiting } = options;
    this.#options = options;
    this.#stream = stream;
    this.#encoder = encoder;
    this.#waiting = waiting;
    this.#buffer = new SendBuffer(encoder.headroom, encoder.tailroom);
    this.#tracker = new WriteTracker(stream);
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
    return this.#buffer.length + this.#stream.writableLength;
  }

  /** Messages accepted and not yet passed to the kernel. */
  get queuedMessages(): number {
    return this.#messagesInBatch + this.#tracker.messages;
  }

  /** Whether the next message is accepted at once. */
  get isFree(): boolean {
    if (this.#roomBytes > 0) return true;
    if (this.#waiting.size > 0 || !this.hasRoom()) return false;
    // Other connections also use a shared budget; and headroom and tailroom count only once the batch has a frame.
    const isExact = this.#options.budget === undefined && this.#buffer.length > 0;
    if (isExact) this.#roomBytes = this.#options.maxQueuedBytes - this.queuedBytes;
    return true;
  }

  write(type: number, data: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const { unawaited } = this.#waiting;
    if (this.#failure !== undefined) return unawaited.reject(this.#failure);
    if (signal?.aborted === true) return unawaited.reject(abortError("write", signal));
    if (!this.isFree) return this.#waiting.write(type, data, signal);
    return this.accept(type, data, signal) ?? DONE;
  }

  flush(signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== undefined) return handledRejection(this.#failure);
    if (signal?.aborted === true) return handledRejection(abortError("flush", signal));
    if (this.#waiting.size > 0) return this.#waiting.flush(signal);
    const flushed = this.flushed(signal) ?? DONE;
    return noteFlush() ? flushed.then(nextMacrotask) : flushed;
  }

  /** Sends the writes that waited for the connection. */
  start(): void {
    this.#waiting.drainInto(this);
  }

  hasRoom(): boolean {
    if (this.#failure !== undefined) return false;
    const { maxQueuedBytes, budget } = this.#options;
    const queued = this.queuedBytes;
    if (queued >= maxQueuedBytes) return false;
    return budget === undefined || queued === 0 || queued < budget.share;
  }

  accept(type: number, data: Uint8Array, signal?: AbortSignal): Promise<void> | undefined {
    const length = this.#encoder.frameOverhead + data.length;
    const isLarge = data.length >= LARGE_BYTES || length > this.#buffer.maxFrameBytes;
    let more: Promise<void> | undefined;
    try {
      more = isLarge ? this.#acceptLarge(type, data, signal) : this.#acceptSmall(type, data, length);
    } catch (error) {
      return this.#refuse(error);
    }
    // Sealing the previous batch failed: this message is rejected and not counted.
    if (this.#failure !== undefined) return this.#waiting.unawaited.reject(this.#failure);
    if (!isLarge) this.#messagesInBatch++;
    this.#roomBytes -= length;
    this.#acceptedMessages++;
    this.#acceptedBytes += data.length;
    this.#settleBudget();
    return more;
  }

  /**
   * Sends a control frame behind the accepted messages and ahead of the waiting ones. It is no message: it does not wait for
   * room, and no count of messages has it.
   * @param data at most 128 bytes
   */
  sendControl(data: Uint8Array): void {
    if (this.#failure !== undefined || this.#hasAnnouncedEnd) return;
    const length = this.#encoder.frameOverhead + data.length;
    try {
      void this.#acceptSmall(CONTROL_TYPE, data, length);
    } catch (error) {
      void this.#refuse(error);
    }
    this.#roomBytes -= length;
    this.#settleBudget();
  }

  flushed(signal?: AbortSignal): Promise<void> | undefined {
    this.#handBatch();
    if (this.#failure !== undefined) return handledRejection(this.#failure);
    return this.#tracker.wait("flush", signal);
  }

  /** Sends the announcement of this side's end, after `flush`. Resolves when the kernel has it, or when it can no longer be sent. */
  async closeNotify(signal?: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) return;
    // The signal may have fired after the flush resolved, and does not fire again.
    if (signal?.aborted === true) throw abortError("close", signal);
    try {
      const last = this.#encoder.closeNotify();
      this.#hasAnnouncedEnd = true;
      if (last === undefined) return;
      this.#hand(last, 0);
      await this.#tracker.wait("close", signal);
    } catch (error) {
      // The cipher is exhausted, or the peer went away without waiting for it: the messages have been sent.
      if (rethrowDefect(error).code === "IPC_ABORTED") throw error;
    }
  }

  /** Rejects every wait with `error`; later writes and flushes are rejected too. */
  fail(error: Error): void {
    this.#failure = error;
    this.#roomBytes = 0;
    this.#options.budget?.remove(this.#budgetedBytes);
    this.#budgetedBytes = 0;
    this.#waiting.rejectAll(error);
    this.#tracker.rejectAll(error);
  }

  /**
   * A write that fills a batch or is past `yieldAfterBytes` yields, because a loop over resolved promises starves timers and
   * reads. Once all connections together have batched 256 KiB in a tick, every write past a connection's first 4 KiB does too.
   */
  #acceptSmall(type: number, data: Uint8Array, length: number): Promise<void> | undefined {
    const batch = this.#buffer;
    if (!batch.makeRoom(length)) {
      this.#handBatch();
      if (this.#failure !== undefined) return;
      batch.makeRoom(length);
    }
    this.#encoder.writeFrame(batch.slab, batch.end, type, data);
    batch.advance(length);
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      process.nextTick(this.#flushTick);
    }
    const maxBytes = noteBatched(length) ? SHARE_BYTES : LARGE_BYTES;
    // A second frame of this size would not fit: the full batch is sent in this tick, so that no small rest follows it.
    if (batch.length + length <= maxBytes && batch.length < this.#encoder.yieldAfterBytes) return;
    return nextMacrotask();
  }

  #acceptLarge(type: number, data: Uint8Array, signal: AbortSignal | undefined): Promise<void> | undefined {
    // Hand over the batch before sealing the parts, because records must be sent in the order in which they are sealed.
    this.#handBatch();
    if (this.#failure !== undefined) return;
    const parts = this.#encoder.encodeChunks(type, data);
    this.#stream.cork();
    for (const part of parts) this.#hand(part, part === parts.at(-1) ? 1 : 0);
    this.#stream.uncork();
    return this.#tracker.wait("write (accepted, the message may still be sent)", signal, this.#waiting.unawaited);
  }

  /** Ends the connection when the cipher is exhausted; messages accepted before are still handed to the stream. */
  #refuse(thrown: unknown): Promise<never> {
    const error = rethrowDefect(thrown);
    this.#handBatch();
    this.#options.exhausted(error);
    return this.#waiting.unawaited.reject(error);
  }

  readonly #flushTick = (): void => {
    this.#flushScheduled = false;
    noteTickEnd();
    if (this.#failure === undefined) this.#handBatch();
  };

  #handBatch(): void {
    if (this.#buffer.length === 0) return;
    const batch = this.#buffer.take();
    try {
      this.#encoder.sealBatch(batch);
    } catch (thrown) {
      const error = rethrowDefect(thrown);
      // These messages were accepted but cannot be sent, so every flush that waits for them must reject.
      this.fail(error);
      this.#options.exhausted(error);
      return;
    }
    const messages = this.#messagesInBatch;
    this.#messagesInBatch = 0;
    this.#hand(batch, messages);
  }

  #hand(bytes: Uint8Array, messages: number): void {
    this.#roomBytes = 0;
    this.#tracker.add(bytes.length, messages);
    try {
      this.#stream.write(bytes, this.#onWritten);
    } catch (error) {
      // A caller's stream has thrown; with 'error' and 'close' the connection ends.
      this.#stream.destroy(error as Error);
    }
    const { busyPollUs } = this.#options;
    if (busyPollUs > 0) busyPoll(busyPollUs);
  }

  readonly #onWritten = (error?: Error | null): void => {
    // The connection handles stream failures in its 'error' and 'close' listeners, the single path for every end.
    if (error || this.#failure !== undefined) return;
    this.#settleBudget();
    this.#tracker.update();
    if (this.#waiting.size > 0) this.#waiting.drainInto(this);
    if (this.#buffer.length === 0 && this.#tracker.isIdle) this.#buffer.shrink();
  };

  /** Updates the shared budget with the bytes queued here now. */
  #settleBudget(): void {
    const { budget } = this.#options;
    // `fail` has returned these bytes to the budget; do not add them again.
    if (budget === undefined || this.#failure !== undefined) return;
    const queued = this.queuedBytes;
    budget.add(queued - this.#budgetedBytes);
    this.#budgetedBytes = queued;
  }
}
