import type { AbortOptions } from "@ipc/transport";
import { addAbortListener, removeAbortListener } from "@ipc/transport/internal";
import { abortError } from "./errors.js";
import { startTimeLimit, type TimeLimit } from "./time-limit.js";

/** Creates promises, and handles their rejections. */
export interface PromiseWatch {
  create<T>(executor: ConstructorParameters<typeof Promise<T>>[0]): Promise<T>;
}

export interface DeferredOptions<T> extends AbortOptions {
  /** The operation, for error messages, such as "read". */
  readonly what: string;
  /** Resolves with `value` if nothing else settles the promise within `ms` milliseconds. Keeps the process alive until then. */
  readonly timeout?: { readonly ms: number; readonly value: T };
  /** Called when the signal or the timeout settles the promise: the owner removes its entry. */
  readonly onCancel: () => void;
  /** Is told if the promise rejects. @default nothing is */
  readonly watch?: PromiseWatch | undefined;
}

/**
 * A promise that settles once and leaves no listener or timer behind.
 *
 * Its rejection counts as handled, so that an unawaited promise does not end the process; events report the failure too.
 */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #resolve!: (value: T | Promise<T>) => void;
  #reject!: (error: Error) => void;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #limit: TimeLimit | undefined;

  constructor({ what, signal, timeout, onCancel, watch }: DeferredOptions<T>) {
    const executor: ConstructorParameters<typeof Promise<T>>[0] = (resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    };
    if (watch === undefined) {
      this.promise = new Promise<T>(executor);
      this.promise.catch(ignore);
    } else this.promise = watch.create<T>(executor);
    if (signal !== undefined) {
      this.#signal = signal;
      this.#onAbort = (): void => {
        onCancel();
        this.reject(abortError(what, signal));
      };
      addAbortListener(signal, this.#onAbort);
    }
    if (timeout !== undefined) {
      const onOver = (): void => {
        onCancel();
        this.resolve(timeout.value);
      };
      this.#limit = startTimeLimit(timeout.ms, onOver, { keepsAlive: true });
    }
  }

  /** Ignores the signal and the timeout from now on: only `resolve` and `reject` settle the promise. */
  commit(): void {
    this.#cleanUp();
  }

  /** Settles with `value`, or as that promise does; the signal and the timeout have no effect from now on. */
  resolve(value: T | Promise<T>): void {
    this.#cleanUp();
    this.#resolve(value);
  }

  reject(error: Error): void {
    this.#cleanUp();
    this.#reject(error);
  }

  #cleanUp(): void {
    this.#limit?.cancel();
    if (this.#onAbort !== undefined) removeAbortListener(this.#signal, this.#onAbort);
  }
}

/** Returns a rejected promise that does not end the process if no caller awaits it. */
export function handledRejection(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

/** Waits for `promise` for at most `ms` milliseconds, because it may depend on user code that never ends. */
export function settleWithin(ms: number, promise: Promise<void>): Promise<void> {
  const settled = new Deferred<void>({ what: "wait", timeout: { ms, value: undefined }, onCancel: () => {} });
  promise.then(
    () => settled.resolve(),
    (error: Error) => settled.reject(error),
  );
  return settled.promise;
}

function ignore(): void {}
