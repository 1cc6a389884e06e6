/** How long a wait may take before it fails with what was seen, in milliseconds: less than a test may take. */
const PATIENCE_MS = 25_000;

/** Keeps what has happened until a test asks for it, so that nothing is missed between an action and the wait for it. */
export class EventLog<T> {
  readonly #name: string;
  readonly #all: T[] = [];
  readonly #waiting = new Set<() => void>();
  /** Index of the first event that no wait has gone past. */
  #cursor = 0;
  #ended: string | undefined;

  /** @param name for messages */
  constructor(name: string) {
    this.#name = name;
  }

  push(event: T): void {
    this.#all.push(event);
    for (const look of [...this.#waiting]) look();
  }

  /** Nothing will follow; waits that find nothing reject with `reason`. */
  end(reason: string): void {
    this.#ended ??= reason;
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves with the next event that `matches`, and goes past it and all before it. */
  next(what: string, matches: (event: T) => boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        this.#waiting.delete(look);
        const seen = JSON.stringify(this.#all.slice(-20));
        reject(new Error(`${this.#name}: waiting for ${what}: ${why}; seen: ${seen}`));
      };
      const look = (): void => {
        const found = this.#all.findIndex((event, i) => i >= this.#cursor && matches(event));
        if (found >= 0) {
          this.#waiting.delete(look);
          this.#cursor = found + 1;
          resolve(this.#all[found] as T);
        } else if (this.#ended !== undefined) {
          fail(this.#ended);
        }
      };
      this.#waiting.add(look);
      AbortSignal.timeout(PATIENCE_MS).addEventListener("abort", () => fail("gave up"));
      look();
    });
  }
}
