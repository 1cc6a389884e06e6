import { Deferred, handledRejection } from "../deferred.js";
import { abortError, SessionError } from "../errors.js";
import { MESSAGE_OVERHEAD_BYTES } from "../message.js";

/** Capacity of the queue of waiting writes, as a multiple of `maxQueuedBytes`. */
const CAPACITY_FACTOR = 16;

interface QueuedWrite {
  readonly bytes: number;
  /** Passes the message to the sink. If it returns a promise, the write waits for that promise too. */
  readonly admit: (sink: WriteSink) => Promise<void> | undefined;
  readonly waiter: Deferred<void>;
  /** Whether an abort has no effect once the entry is admitted: true for a message, false for a flush. */
  readonly final: boolean;
}

/** Destination of queued messages. */
export interface WriteSink {
  hasRoom(): boolean;
  /** Accepts the message. An abort of `signal` afterwards only ends the wait; the message may still be sent. */
  accept(type: number, data: Uint8Array, signal?: AbortSignal): Promise<void> | undefined;
  /** Resolves when the kernel has every byte accepted so far; undefined when it already has. */
  flushed(): Promise<void> | undefined;
}

/** Waiting writes and flushes, in order. None of them is accepted yet, so an abort removes an entry completely. */
export class WriteQueue {
  readonly #capacity: number;
  readonly #entries = new Set<QueuedWrite>();
  #bytes = 0;

  /** @param maxQueuedBytes the budget of a connection's queue, in bytes; this queue holds 16 times as much */
  constructor(maxQueuedBytes: number) {
    this.#capacity = maxQueuedBytes * CAPACITY_FACTOR;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of waiting data, plus 160 for each entry. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Rejects with IPC_QUEUE_FULL, IPC_ABORTED; otherwise settles when the message is accepted or can no longer be. */
  write(type: number, data: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    return this.#add("write", data.length, signal, true, (sink) => sink.accept(type, data, signal));
  }

  /** Like `write`, for a flush of every entry queued before it. */
  flush(signal: AbortSignal | undefined): Promise<void> {
    return this.#add("flush", 0, signal, false, (sink) => sink.flushed());
  }

  /** Passes entries to the sink while it has room. */
  drainInto(sink: WriteSink): void {
    for (const entry of this.#entries) {
      if (!sink.hasRoom()) return;
      this.#remove(entry);
      const more = entry.admit(sink);
      if (entry.final) entry.waiter.commit();
      if (more === undefined) entry.waiter.resolve();
      else
        more.then(
          () => entry.waiter.resolve(),
          (error: Error) => entry.waiter.reject(error),
        );
    }
  }

  rejectAll(error: Error): void {
    for (const { waiter } of this.#entries) waiter.reject(error);
    this.#entries.clear();
    this.#bytes = 0;
  }

  #add(
    what: string,
    length: number,
    signal: AbortSignal | undefined,
    final: boolean,
    admit: QueuedWrite["admit"],
  ): Promise<void> {
    if (signal?.aborted === true) return handledRejection(abortError(what, signal));
    const bytes = length + MESSAGE_OVERHEAD_BYTES;
    // A flush holds no data, and `close` relies on its flush being queued regardless of the waiting bytes.
    if (final && this.#bytes + bytes > this.#capacity && this.#entries.size > 0) {
      return handledRejection(
        new SessionError(
          "IPC_QUEUE_FULL",
          `write queue full: ${this.#entries.size} writes, ${this.#bytes} bytes, limit ${this.#capacity} (16 × maxQueuedBytes); this write was rejected, await each write`,
        ),
      );
    }
    const waiter = new Deferred<void>({ what, ...(signal && { signal }), onCancel: () => this.#remove(entry) });
    const entry: QueuedWrite = { bytes, admit, waiter, final };
    this.#entries.add(entry);
    this.#bytes += bytes;
    return waiter.promise;
  }

  #remove(entry: QueuedWrite): void {
    if (this.#entries.delete(entry)) this.#bytes -= entry.bytes;
  }
}
