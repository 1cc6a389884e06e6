import { UNCOPIED_FROM_BYTES } from "../codec/codec.js";
import { Deferred, handledRejection } from "../deferred.js";
import { abortError, messageTooLargeError, SessionError } from "../errors.js";
import { MESSAGE_OVERHEAD_BYTES } from "../message.js";
import type { TurnBudget } from "./turn-budget.js";
import type { UnawaitedWrites } from "./unawaited-writes.js";

/** Capacity of the queue of waiting writes, as a multiple of `maxQueuedBytes`. */
const CAPACITY_FACTOR = 16;

interface QueuedWrite {
  readonly bytes: number;
  /** Passes the entry to the sink. If it returns a promise, the entry waits for that promise too. */
  readonly admit: (sink: WriteSink) => Promise<void> | undefined;
  readonly done: Deferred<void>;
}

/** Shared by all queues in which nothing has waited yet: stays empty. */
const NO_ENTRIES: Set<QueuedWrite> = new Set();

/** The later event that a write or a flush may wait for: the peer's application has taken the message. */
export type WriteUntil = "taken";

/** Takes the writes of a peer, whichever connection it has. */
export interface WriteTarget {
  write(type: number, data: Uint8Array, signal?: AbortSignal, until?: WriteUntil): Promise<void>;
}

/** Destination of queued messages. */
export interface WriteSink {
  hasRoom(): boolean;
  /** Accepts the message. An abort of `signal` afterwards only ends the wait; the message may still be sent. */
  accept(type: number, data: Uint8Array, signal?: AbortSignal, until?: WriteUntil): Promise<void> | undefined;
  /** Resolves when the kernel has every byte accepted so far; undefined when it already has. */
  flushed(signal?: AbortSignal, until?: WriteUntil): Promise<void> | undefined;
}

/** Waiting writes and flushes, in order. None of them is accepted yet, so an abort removes an entry completely. */
export class WriteQueue {
  /** Told of the writes that are rejected, here or by the sink. */
  readonly unawaited: UnawaitedWrites;
  /** Called when an entry begins to wait, or still waits because the sink has no room; and by the sink for a wait of its own. */
  onWaiting: (() => void) | undefined;
  readonly #capacity: number;
  #entries = NO_ENTRIES;
  #bytes = 0;

  /** @param maxQueuedBytes the budget of a connection's queue, in bytes; this queue holds 16 times as much */
  constructor(maxQueuedBytes: number, unawaited: UnawaitedWrites) {
    this.unawaited = unawaited;
    this.#capacity = maxQueuedBytes * CAPACITY_FACTOR;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of waiting data, plus 160 for each entry. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Rejects with IPC_QUEUE_FULL, IPC_ABORTED; otherwise settles when the message is accepted or can no longer be. Copies data that
   * is copied when it is accepted, too, because the caller may reuse it; longer data belongs to the queue until then.
   */
  write(type: number, data: Uint8Array, signal: AbortSignal | undefined, until?: WriteUntil): Promise<void> {
    const bytes = data.length + MESSAGE_OVERHEAD_BYTES;
    if (signal?.aborted !== true && this.#bytes + bytes > this.#capacity && this.#entries.size > 0) {
      return this.unawaited.reject(
        new SessionError(
          "IPC_QUEUE_FULL",
          `write queue full: ${this.#entries.size} writes, ${this.#bytes} bytes, limit ${this.#capacity} (16 × maxQueuedBytes); this write was rejected, await each write`,
        ),
      );
    }
    if (signal?.aborted === true) return this.unawaited.reject(abortError("write", signal));
    const { length } = data;
    // Not `slice`: that of a Buffer shares its memory.
    const kept = length < UNCOPIED_FROM_BYTES ? new Uint8Array(data) : data;
    const done = this.#add("write", bytes, signal, (sink) =>
      kept.length === length
        ? sink.accept(type, kept, signal, until)
        : handledRejection(changedError(length, kept.length)),
    );
    return done.promise;
  }

  /**
   * Like `write`, for a flush of every entry queued before it, and without a limit: a flush holds no data, and `close` relies on
   * its flush being queued regardless of the waiting bytes.
   */
  flush(signal: AbortSignal | undefined, until?: WriteUntil): Promise<void> {
    if (signal?.aborted === true) return handledRejection(abortError("flush", signal));
    return this.#add("flush", MESSAGE_OVERHEAD_BYTES, signal, (sink) => sink.flushed(signal, until)).promise;
  }

  /** Passes entries to the sink while it has room, and the budget of this turn. */
  drainInto(sink: WriteSink, turn?: TurnBudget): void {
    for (const entry of this.#entries) {
      if (turn?.isSpent === true) return;
      if (!sink.hasRoom()) {
        this.onWaiting?.();
        return;
      }
      this.#remove(entry);
      turn?.spend(entry.bytes);
      entry.done.resolve(entry.admit(sink));
    }
  }

  /** Rejects the writes that a peer does not take, known only once it has connected. @param maxSize longest data, in bytes */
  rejectLarger(maxSize: number): void {
    for (const entry of this.#entries) {
      const length = entry.bytes - MESSAGE_OVERHEAD_BYTES;
      if (length <= maxSize) continue;
      this.#remove(entry);
      entry.done.reject(messageTooLargeError(length, maxSize));
    }
  }

  rejectAll(error: Error): void {
    for (const { done } of this.#entries) done.reject(error);
    this.#entries.clear();
    this.#bytes = 0;
  }

  #add(
    what: "write" | "flush",
    bytes: number,
    signal: AbortSignal | undefined,
    admit: QueuedWrite["admit"],
  ): Deferred<void> {
    const watch = what === "write" ? this.unawaited : undefined;
    const done = new Deferred<void>({ what, ...(signal && { signal }), onCancel: () => this.#remove(entry), watch });
    const entry: QueuedWrite = { bytes, admit, done };
    if (this.#entries === NO_ENTRIES) this.#entries = new Set();
    this.#entries.add(entry);
    this.#bytes += bytes;
    this.onWaiting?.();
    return done;
  }

  #remove(entry: QueuedWrite): void {
    if (this.#entries.delete(entry)) this.#bytes -= entry.bytes;
  }
}

/** Creates the error of data whose buffer was transferred or resized while the write waited. */
function changedError(before: number, now: number): TypeError {
  return new TypeError(
    `write: \`data\` had ${before} bytes and has ${now} since its buffer was transferred or resized, so the message was not sent; await the write before`,
  );
}
