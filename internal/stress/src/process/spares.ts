/** Processes that are started at once, to wait for their turn: while there is traffic, a start takes long. */
const BATCH = 6;

/** Processes that do nothing yet. */
export class Spares<T> {
  readonly #start: () => Promise<T>;
  readonly #ready: T[] = [];
  #needed: number;

  /** @param needed how many will be taken */
  constructor(needed: number, start: () => Promise<T>) {
    this.#needed = needed;
    this.#start = start;
  }

  async take(): Promise<T> {
    if (this.#ready.length === 0) {
      const batch = Array.from({ length: Math.min(this.#needed, BATCH) }, this.#start);
      this.#ready.push(...(await Promise.all(batch)));
    }
    this.#needed--;
    return this.#ready.shift() ?? this.#start();
  }
}
