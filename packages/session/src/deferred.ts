import type { AbortOptions } from "@ipc/transport";
import { abortError } from "./errors.js";

export interface DeferredOptions<T> extends AbortOptions {
  /** For messages: what is waited for, such as "read". */
  readonly what: string;
  /** Gives `value` when nothing has settled the wait within `ms` milliseconds. */
  readonly timeout?: { readonly ms: number; readonly value: T };
  /** Takes the waiter back out of where it waits, when the signal or the time-out ended it. */
  readonly onCancel: () => void;
}

/**
 * One wait: settles once and leaves no listener or timer behind.
 *
 * Its rejection is handled beforehand: a promise that nobody awaits must not end the process, the loss is told elsewhere.
 */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: Error) => void;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ what, signal, timeout, onCancel }: DeferredOptions<T>) {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(ignore);
    if (signal !== undefined) {
      this.#signal = signal;
      this.#onAbort = (): void => {
        onCancel();
        this.reject(abortError(what, signal));
      };
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => {
        onCancel();
        this.resolve(timeout.value);
      }, timeout.ms);
    }
  }

  /** From now on only `resolve` and `reject` settle it. */
  commit(): void {
    this.#cleanUp();
  }

  resolve(value: T): void {
    this.#cleanUp();
    this.#resolve(value);
  }

  reject(error: Error): void {
    this.#cleanUp();
    this.#reject(error);
  }

  #cleanUp(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

/** Rejects without ending the process when nobody looks. */
export function handledRejection(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

/** Waits until `promise` settles, or `ms` milliseconds are over: for what is somebody else's and may never end. */
export async function settleWithin(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, over]);
  clearTimeout(timer);
}

function ignore(): void {}
