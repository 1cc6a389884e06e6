import type { Duplex } from "node:stream";
import { CryptoError } from "@ipc/crypto";
import { LARGE_BYTES, type MessageCodec } from "../codec/codec.js";
import { Deferred, handledRejection } from "../deferred.js";
import { abortError } from "../errors.js";
import { busyPoll, nextMacrotask, noteBatched, noteFlush, noteTickEnd } from "../scheduling/write-yield.js";
import type { SharedBudget } from "../shared-budget.js";
import { SendBuffer } from "./send-buffer.js";
import type { WriteQueue, WriteSink } from "./write-queue.js";

/** Bytes that a connection may batch without yielding once all connections together have batched 256 KiB in a tick. */
const SHARE_BYTES = 4_096;

const DONE: Promise<void> = Promise.resolve();

/** Bytes handed to the stream: their end offset in the connection's output, and the number of messages that end in them. */
interface InFlight {
  readonly end: number;
  readonly messages: number;
}

interface FlushWaiter {
  readonly end: number;
  readonly waiter: Deferred<void>;
}

export interface SenderOptions {
  readonly stream: Duplex;
  readonly codec: MessageCodec;
  readonly maxQueuedBytes: number;
  /** How long the event loop polls instead of sleeping after a send, in microseconds. */
  readonly busyPollUs: number;
  /** Budget of queued bytes that several connections share. */
  readonly budget?: SharedBudget | undefined;
  /** Holds writes made before the connection was established, and later writes that wait for room. */
  readonly waiting: WriteQueue;
  /** Called when the cipher is exhausted: the connection must end. */
  readonly exhausted: (error: CryptoError) => void;
}

/**
 * Sends messages over one stream: batches the frames of a tick into one write, bounds the queued bytes, and tracks the bytes
 * that have reached the kernel. It belongs to one connection, so no message queued for one peer can reach another.
 */
export class Sender implements WriteSink {
  readonly #stream: Duplex;
  readonly #codec: MessageCodec;
  readonly #maxQueuedBytes: number;
  readonly #busyPollUs: number;
  #isReferenced = true;
  readonly #budget: SharedBudget | undefined;
  readonly #waiting: WriteQueue;
  readonly #exhausted: (error: CryptoError) => void;
  readonly #buffer: SendBuffer;
  #messagesInBatch = 0;
  #flushScheduled = false;
  /** All bytes handed to the stream so far, including those that it has passed to the kernel. */
  #handedBytes = 0;
  /** Bytes of this sender that are counted in the shared budget. */
  #budgetedBytes = 0;
  readonly #inFlight: InFlight[] = [];
  #flushWaiters: FlushWaiter[] = [];
  /** Bytes that the batch may still take without reading `writableLength`, which only falls until the next stream write. */
  #roomBytes = 0;
  #failure: Error | undefined;
  #acceptedMessages = 0;
  #acceptedBytes = 0;

  constructor({ stream, codec, maxQueuedBytes, busyPollUs, budget, waiting, exhausted }: SenderOptions) {
    this.#stream = stream;
    this.#codec = codec;
    this.#buffer = new SendBuffer(codec.headroom, codec.tailroom);
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#busyPollUs = busyPollUs;
    this.#budget = budget;
    this.#waiting = waiting;
    this.#exhausted = exhausted;
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
    let messages = this.#messagesInBatch;
    for (const { messages: inFlight } of this.#inFlight) messages += inFlight;
    return messages;
  }

  /** Whether the next message is accepted at once. */
  get isFree(): boolean {
    if (this.#roomBytes > 0) return true;
    if (this.#waiting.size > 0 || !this.hasRoom()) return false;
    // Other connections also use a shared budget; and headroom and tailroom count only once the batch has a frame.
    const isExact = this.#budget === undefined && this.#buffer.length > 0;
    if (isExact) this.#roomBytes = this.#maxQueuedBytes - this.queuedBytes;
    return true;
  }

  write(type: number, data: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== undefined) return handledRejection(this.#failure);
    if (signal?.aborted === true) return handledRejection(abortError("write", signal));
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

  /** Sets whether busy polling may keep the process alive. */
  setReferenced(referenced: boolean): void {
    this.#isReferenced = referenced;
  }

  /** Sends the writes that waited for the connection. */
  start(): void {
    this.#waiting.drainInto(this);
  }

  hasRoom(): boolean {
    if (this.#failure !== undefined) return false;
    const queued = this.queuedBytes;
    if (queued >= this.#maxQueuedBytes) return false;
    return this.#budget === undefined || queued === 0 || queued < this.#budget.share;
  }

  accept(type: number, data: Uint8Array, signal?: AbortSignal): Promise<void> | undefined {
    const length = this.#codec.frameOverhead + data.length;
    let more: Promise<void> | undefined;
    try {
      const isLarge = data.length >= LARGE_BYTES || length > this.#buffer.maxFrameBytes;
      more = isLarge ? this.#acceptLarge(type, data, signal) : this.#acceptSmall(type, data, length);
    } catch (error) {
      return this.#refuse(error);
    }
    // Sealing the previous batch failed: this message is rejected and not counted.
    if (this.#failure !== undefined) return handledRejection(this.#failure);
    this.#roomBytes -= length;
    this.#acceptedMessages++;
    this.#acceptedBytes += data.length;
    if (this.#budget !== undefined) this.#settleBudget(this.#budget);
    return more;
  }

  flushed(signal?: AbortSignal): Promise<void> | undefined {
    this.#handBatch();
    if (this.#failure !== undefined) return handledRejection(this.#failure);
    return this.#waitForKernel("flush", signal);
  }

  /** Rejects every wait with `error`; later writes and flushes are rejected too. */
  fail(error: Error): void {
    this.#failure = error;
    this.#roomBytes = 0;
    this.#budget?.remove(this.#budgetedBytes);
    this.#budgetedBytes = 0;
    this.#waiting.rejectAll(error);
    const waiters = this.#flushWaiters;
    this.#flushWaiters = [];
    for (const { waiter } of waiters) waiter.reject(error);
  }

  /**
   * A write that fills a batch or is past `yieldAfterBytes` yields, because a loop over resolved promises starves timers and
   * reads. Once all connections together have batched 256 KiB in a tick, every write past a connection's first 4 KiB does too.
   */
  #acceptSmall(type: number, data: Uint8Array, length: number): Promise<void> | undefined {
    const batch = this.#buffer;
    if (!batch.hasRoom(length)) {
      const overflow = batch.length > 0;
      if (overflow) {
        this.#handBatch();
        if (this.#failure !== undefined) return;
      }
      batch.open(length, overflow);
    }
    this.#codec.writeFrame(batch.slab, batch.end, type, data);
    batch.advance(length);
    this.#messagesInBatch++;
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      process.nextTick(this.#flushTick);
    }
    const isEnough = noteBatched(length);
    // A second frame of this size would not fit: the full batch is sent in this tick, so that no small rest follows it.
    if (!batch.hasRoom(length)) batch.fill();
    else if (batch.length < (isEnough ? SHARE_BYTES : this.#codec.yieldAfterBytes)) return;
    return nextMacrotask();
  }

  #acceptLarge(type: number, data: Uint8Array, signal: AbortSignal | undefined): Promise<void> | undefined {
    // Hand over the batch before sealing the parts, because records must be sent in the order in which they are sealed.
    this.#handBatch();
    if (this.#failure !== undefined) return;
    const parts = this.#codec.encodeChunks(type, data);
    this.#stream.cork();
    for (const part of parts) this.#hand(part, part === parts.at(-1) ? 1 : 0);
    this.#stream.uncork();
    return this.#waitForKernel("write (accepted, the message may still be sent)", signal);
  }

  /** Ends the connection when the cipher is exhausted; messages accepted before are still handed to the stream. */
  #refuse(error: unknown): Promise<never> {
    if (!(error instanceof CryptoError)) throw error;
    this.#handBatch();
    this.#exhausted(error);
    return handledRejection(error);
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
      this.#codec.sealBatch(batch);
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error;
      // These messages were accepted but cannot be sent, so every flush that waits for them must reject.
      this.fail(error);
      this.#exhausted(error);
      return;
    }
    const messages = this.#messagesInBatch;
    this.#messagesInBatch = 0;
    this.#hand(batch, messages);
  }

  #hand(bytes: Uint8Array, messages: number): void {
    this.#roomBytes = 0;
    this.#handedBytes += bytes.length;
    this.#inFlight.push({ end: this.#handedBytes, messages });
    this.#stream.write(bytes, this.#onWritten);
    if (this.#busyPollUs > 0 && this.#isReferenced) busyPoll(this.#busyPollUs);
  }

  readonly #onWritten = (error?: Error | null): void => {
    // The connection handles stream failures in its 'error' and 'close' listeners, the single path for every end.
    if (error || this.#failure !== undefined) return;
    if (this.#budget !== undefined) this.#settleBudget(this.#budget);
    const gone = this.#handedBytes - this.#stream.writableLength;
    while (this.#inFlight.length > 0 && (this.#inFlight[0] as InFlight).end <= gone) this.#inFlight.shift();
    while (this.#flushWaiters.length > 0 && (this.#flushWaiters[0] as FlushWaiter).end <= gone) {
      this.#flushWaiters.shift()?.waiter.resolve();
    }
    if (this.#waiting.size > 0) this.#waiting.drainInto(this);
    if (this.#buffer.length === 0 && this.#inFlight.length === 0) this.#buffer.shrink();
  };

  /** Updates the shared budget with the bytes queued here now. */
  #settleBudget(budget: SharedBudget): void {
    // `fail` has returned these bytes to the budget; do not add them again.
    if (this.#failure !== undefined) return;
    const queued = this.queuedBytes;
    budget.add(queued - this.#budgetedBytes);
    this.#budgetedBytes = queued;
  }

  /** Returns undefined when the kernel has all bytes handed to the stream. `what` names the operation in error messages. */
  #waitForKernel(what: string, signal: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#inFlight.length === 0) return undefined;
    const waiter = new Deferred<void>({
      what,
      ...(signal && { signal }),
      onCancel: () => {
        this.#flushWaiters = this.#flushWaiters.filter((other) => other.waiter !== waiter);
      },
    });
    this.#flushWaiters.push({ end: this.#handedBytes, waiter });
    return waiter.promise;
  }
}
