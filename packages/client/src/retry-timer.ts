/** The pauses between dials, one at a time. They keep the process alive, or let it end, as their client says just now. */
export class RetryTimer {
  #referenced = true;
  #timer: NodeJS.Timeout | undefined;

  get referenced(): boolean {
    return this.#referenced;
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    if (referenced) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /** Resolves after `ms` milliseconds, or rejects with the signal's reason. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let onAbort = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        onAbort = () => reject(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        this.#timer = setTimeout(resolve, ms);
        this.setReferenced(this.#referenced);
      });
    } finally {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      signal.removeEventListener("abort", onAbort);
    }
  }
}
