const FIRST_BASE_MS = 50;

export interface RetryScheduleOptions {
  /** A fixed pause between two dials, in milliseconds, instead of the back-off. */
  readonly fixedMs?: number;
  /** The longest pause of the back-off, in milliseconds. */
  readonly maxMs: number;
  /** 0 ≤ random() < 1. */
  readonly random: () => number;
}

/**
 * Computes the pause before each retry: equal jitter, half fixed and half random, on a base that doubles from 50 ms to `maxMs`.
 *
 * A Go server that has not seen the old connection end accepts and never serves; the first pause is ≥ 25 ms if `maxMs` ≥ 50.
 */
export class RetrySchedule {
  readonly #options: RetryScheduleOptions;
  #baseMs = FIRST_BASE_MS;

  constructor(options: RetryScheduleOptions) {
    this.#options = options;
  }

  /** Returns the next pause, in milliseconds. */
  next(): number {
    const { fixedMs, maxMs, random } = this.#options;
    if (fixedMs !== undefined) return fixedMs;
    const base = Math.min(this.#baseMs, maxMs);
    this.#baseMs = Math.min(this.#baseMs * 2, maxMs);
    return base / 2 + (random() * base) / 2;
  }

  /** Restarts the back-off, after a stable connection. */
  reset(): void {
    this.#baseMs = FIRST_BASE_MS;
  }
}
