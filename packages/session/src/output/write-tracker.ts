import type { Duplex } from "node:stream";
import { Deferred, type PromiseWatch } from "../deferred.js";

interface PendingWait {
  readonly endOffset: number;
  readonly written: Deferred<void>;
}

export interface WriteWaitOptions {
  /** Is told if the wait rejects. */
  readonly watch?: PromiseWatch;
  /** Called when the signal ends the wait. */
  readonly onCancel?: (() => void) | undefined;
  /** Waits for so many bytes more, which are handed next. @default 0 */
  readonly batchBytes?: number;
}

/** Tracks which of the bytes handed to a stream have reached the kernel, and the callers that wait for that. */
export class WriteTracker {
  readonly #stream: Duplex;
  /** All bytes handed to the stream so far, including those that it has passed to the kernel. */
  #handedBytes = 0;
  /** Writes not yet passed to the kernel: their length, their end offset in the output, and the number of messages that end in them. */
  readonly #inFlight: { readonly bytes: number; readonly endOffset: number; readonly messages: number }[] = [];
  #waits: PendingWait[] = [];

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

  /** Bytes of the writes not yet passed to the kernel, also after the stream has failed and counts them no more. */
  get bytes(): number {
    return this.#inFlight.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Counts a write, before it is handed to the stream. */
  add(bytes: number, messages: number): void {
    this.#handedBytes += bytes;
    this.#inFlight.push({ bytes, endOffset: this.#handedBytes, messages });
  }

  /** Removes what has reached the kernel and resolves the waits for it. @param unhandedBytes counted, and not handed yet */
  update(unhandedBytes: number): void {
    const writtenBytes = this.#handedBytes - unhandedBytes - this.#stream.writableLength;
    while (isWritten(this.#inFlight[0], writtenBytes)) this.#inFlight.shift();
    while (isWritten(this.#waits[0], writtenBytes)) this.#waits.shift()?.written.resolve();
  }

  /** Waits for all bytes handed so far; returns undefined if `isIdle`. `what` names the operation in error messages. */
  wait(what: string, signal: AbortSignal | undefined, options?: WriteWaitOptions): Promise<void> | undefined {
    if (this.isIdle) return undefined;
    const written = new Deferred<void>({
      what,
      ...(signal && { signal }),
      onCancel: () => {
        this.#waits = this.#waits.filter((wait) => wait.written !== written);
        options?.onCancel?.();
      },
      watch: options?.watch,
    });
    this.#waits.push({ endOffset: this.#handedBytes + (options?.batchBytes ?? 0), written });
    return written.promise;
  }

  /** Whether the kernel has the bytes up to `endOffset` of the output. */
  hasWritten(endOffset: number): boolean {
    return this.#handedBytes - this.#stream.writableLength >= endOffset;
  }

  /** All bytes handed to the stream so far. */
  get handedBytes(): number {
    return this.#handedBytes;
  }

  /** Gives up the waits, which the caller settles. */
  release(): readonly Deferred<void>[] {
    return this.#waits.splice(0).map(({ written }) => written);
  }

  rejectAll(error: Error): void {
    const waits = this.#waits;
    this.#waits = [];
    for (const { written } of waits) written.reject(error);
  }
}

function isWritten(entry: { readonly endOffset: number } | undefined, writtenBytes: number): boolean {
  return entry !== undefined && entry.endOffset <= writtenBytes;
}
