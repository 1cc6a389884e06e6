import { Deferred, handledRejection } from "../deferred.js";
import { abortError, SessionError } from "../errors.js";
import { MESSAGE_OVERHEAD_BYTES } from "../message.js";

/** The queue of waiting writes holds this many times `maxQueuedBytes`. */
const CAPACITY_FACTOR = 16;

interface QueuedWrite {
  readonly bytes: number;
  /** Accepts the message. A promise: what the writer then waits for. */
  readonly admit: (sink: WriteSink) => Promise<void> | undefined;
  readonly waiter: Deferred<void>;
  /** Once accepted, a message cannot be called back; waiting for a flush can still end. */
  readonly final: boolean;
}

/** Where messages go when their turn comes. */
export interface WriteSink {
  hasRoom(): boolean;
  /** The signal ends the wait for a message that is accepted already. */
  accept(type: number, data: Uint8Array, signal?: AbortSignal): Promise<void> | undefined;
  /** Resolves when every byte accepted so far is with the kernel. */
  flushed(): Promise<void> | undefined;
}

/** Writes and flushes whose turn has not come, in order: nothing of them is accepted yet, so an abort takes them out whole. */
export class WriteQueue {
  readonly #capacity: number;
  readonly #entries = new Set<QueuedWrite>();
  #bytes = 0;

  /** @param maxQueuedBytes the budget of a connection's queue */
  constructor(maxQueuedBytes: number) {
    this.#capacity = maxQueuedBytes * CAPACITY_FACTOR;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of data that wait, and 160 for each message. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Rejects with IPC_QUEUE_FULL, IPC_ABORTED; otherwise settles when the message is accepted, or cannot be any more. */
  write(type: number, data: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    return this.#add("write", data.length, signal, true, (sink) => sink.accept(type, data, signal));
  }

  /** As `write`, for a flush of everything that waits before it. */
  flush(signal: AbortSignal | undefined): Promise<void> {
    return this.#add("flush", 0, signal, false, (sink) => sink.flushed());
  }

  /** Hands out what there is room for. */
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
    // A flush holds no data; `close` depends on one being taken whatever waits.
    if (final && this.#bytes + bytes > this.#capacity && this.#entries.size > 0) {
      return handledRejection(
        new SessionError(
          "IPC_QUEUE_FULL",
          `${this.#entries.size} writes of ${this.#bytes} bytes wait, ${this.#capacity} are the most (16 × maxQueuedBytes); await each write, and this one was not accepted`,
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
