/** RetryTimer that can be broken off all at once, so that no timer outlives what it was for. */
export class Pauses {
  readonly #pending = new Map<NodeJS.Timeout, () => void>();
  #over = false;

  /** Resolves after `ms` milliseconds, or when the pauses end. */
  pause(ms: number): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#pending.delete(timer);
        resolve();
      }, ms);
      this.#pending.set(timer, resolve);
    });
  }

  /** Ends those that are under way, and all that will be asked for. */
  end(): void {
    this.#over = true;
    for (const [timer, resolve] of this.#pending) {
      clearTimeout(timer);
      resolve();
    }
    this.#pending.clear();
  }
}
