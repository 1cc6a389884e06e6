import type { Duplex } from "node:stream";
import { Deferred } from "../deferred.js";

interface FlushWaiter {
  readonly endOffset: number;
  readonly flushed: Deferred<void>;
}

/** Tracks which of the bytes handed to a stream have reached the kernel, and the callers that wait for that. */
export class WriteTracker {
  readonly #stream: Duplex;
  /** All bytes handed to the stream so far, including those that it has passed to the kernel. */
  #handedBytes = 0;
  /** Writes not yet passed to the kernel: their end offset in the output, and the number of messages that end in them. */
  readonly #inFlight: { readonly endOffset: number; readonly messages: number }[] = [];
  #waiters: FlushWaiter[] = [];

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** Whether the kernel has all bytes handed to the stream. */
  get isIdle(): boolean {
    return this.#inFlight.length === 0;
  }

  /** Messages handed to the stream and not yet passed to the kernel. */
  get messages(): number {
    return this.#inFlight.reduce((sum, { messages }) => sum + messages, 0);
  }

  /** Counts a write, before it is handed to the stream. */
  add(bytes: number, messages: number): void {
    this.#handedBytes += bytes;
    this.#inFlight.push({ endOffset: this.#handedBytes, messages });
  }

  /** Removes what has reached the kernel and resolves the waits for it. */
  update(): void {
    const writtenBytes = this.#handedBytes - this.#stream.writableLength;
    while (isWritten(this.#inFlight[0], writtenBytes)) this.#inFlight.shift();
    while (isWritten(this.#waiters[0], writtenBytes)) this.#waiters.shift()?.flushed.resolve();
  }

  /** Returns undefined if `isIdle`. `what` names the operation in error messages. */
  wait(what: string, signal: AbortSignal | undefined): Promise<void> | undefined {
    if (this.isIdle) return undefined;
    const flushed = new Deferred<void>({
      what,
      ...(signal && { signal }),
      onCancel: () => {
        this.#waiters = this.#waiters.filter((waiter) => waiter.flushed !== flushed);
      },
    });
    this.#waiters.push({ endOffset: this.#handedBytes, flushed });
    return flushed.promise;
  }

  rejectAll(error: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { flushed } of waiters) flushed.reject(error);
  }
}

function isWritten(entry: { readonly endOffset: number } | undefined, writtenBytes: number): boolean {
  return entry !== undefined && entry.endOffset <= writtenBytes;
}
