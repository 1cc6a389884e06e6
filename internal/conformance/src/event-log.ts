import { inspect } from "node:util";

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
      const patience = AbortSignal.timeout(PATIENCE_MS);
      const giveUp = (): void => fail("gave up");
      const settle = (): void => {
        patience.removeEventListener("abort", giveUp);
        this.#waiting.delete(look);
      };
      const fail = (why: string): void => {
        settle();
        reject(new Error(`${this.#name}: waiting for ${what}: ${why}; seen: ${seen(this.#all)}`));
      };
      const look = (): void => {
        const found = this.#all.findIndex((event, i) => i >= this.#cursor && matches(event));
        if (found >= 0) {
          settle();
          this.#cursor = found + 1;
          resolve(this.#all[found] as T);
        } else if (this.#ended !== undefined) {
          fail(this.#ended);
        }
      };
      patience.addEventListener("abort", giveUp);
      this.#waiting.add(look);
      look();
    });
  }
}

/** The last events, shortened: a message of 3 MB would block the event loop for seconds, and with it all other tests. */
function seen(events: readonly unknown[]): string {
  return inspect(events.slice(-20), { depth: 4, maxArrayLength: 40, maxStringLength: 400, breakLength: Infinity });
}
