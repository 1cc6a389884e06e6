import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

const NANOSECONDS = 1_000_000;

/** Watches for how long the event loop of this process is held up: no timer fires and nothing is read meanwhile. */
export class LoopWatch {
  #delays: IntervalHistogram | undefined;

  start(): void {
    this.#delays ??= monitorEventLoopDelay({ resolution: 1 });
    this.#delays.enable();
    this.#delays.reset();
  }

  /** The longest delay since the start in milliseconds, 0 when it was not started. Stops. */
  stop(): number {
    const delays = this.#delays;
    if (delays === undefined) return 0;
    delays.disable();
    this.#delays = undefined;
    return delays.count === 0 ? 0 : delays.max / NANOSECONDS;
  }
}
