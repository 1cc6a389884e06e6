/** Promises that have not settled yet, by name: shows what hangs. */
export class Waits {
  readonly #pending = new Map<Promise<unknown>, string>();

  /** Returns the promise. */
  track<T>(name: string, promise: Promise<T>): Promise<T> {
    this.#pending.set(promise, name);
    const leave = (): void => void this.#pending.delete(promise);
    promise.then(leave, leave);
    return promise;
  }

  get names(): string[] {
    return [...this.#pending.values()];
  }

  /** Resolves when nothing is pending any more, what comes meanwhile included. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending.keys());
  }
}
