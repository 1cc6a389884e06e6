import { Deferred, type DeferredOptions } from "../deferred.js";

interface CountWait {
  readonly number: number;
  readonly reached: Deferred<void>;
}

/** The callers that wait until a count of messages has reached a number. */
export class CountWaits {
  /** In the order of their numbers. */
  #waits: CountWait[] = [];

  get size(): number {
    return this.#waits.length;
  }

  /** Waits for a number that is not less than that of any earlier call. */
  add(number: number, options: Omit<DeferredOptions<void>, "onCancel">): Promise<void> {
    const reached = new Deferred<void>({
      ...options,
      onCancel: () => {
        this.#waits = this.#waits.filter((wait) => wait.reached !== reached);
      },
    });
    this.#waits.push({ number, reached });
    return reached.promise;
  }

  /** Resolves the waits for numbers up to `count`. */
  resolve(count: number): void {
    if (this.#waits.length === 0) return;
    const first = this.#waits.findIndex(({ number }) => number > count);
    for (const wait of this.#waits.splice(0, first === -1 ? this.#waits.length : first)) wait.reached.resolve();
  }

  reject(error: Error): void {
    for (const wait of this.#waits.splice(0)) wait.reached.reject(error);
  }
}
