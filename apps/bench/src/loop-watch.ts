import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { cpuUs } from "./processor-time.js";

const NANOSECONDS = 1_000_000;
const MICROSECONDS = 1_000;

/** For how long the event loop was held up at the most. */
export interface LoopDelay {
  readonly delayMs: number;
  /** Processor time between two timers of 1 ms: what this process did itself, whatever else the machine does. */
  readonly busyMs: number;
}

/** Watches for how long the event loop of this process is held up: no timer fires and nothing is read meanwhile. */
export class LoopWatch {
  #delays: IntervalHistogram | undefined;
  #timer: NodeJS.Timeout | undefined;
  #mostUs = 0;

  start(): void {
    this.#delays ??= monitorEventLoopDelay({ resolution: 1 });
    this.#delays.enable();
    this.#delays.reset();
    let before = cpuUs();
    this.#timer = setInterval(() => {
      const now = cpuUs();
      this.#mostUs = Math.max(this.#mostUs, now - before);
      before = now;
    }, 1);
  }

  /** What was seen since the start, nothing when it was not started. Stops. */
  stop(): LoopDelay {
    clearInterval(this.#timer);
    const delays = this.#delays;
    const delayMs = delays === undefined || delays.count === 0 ? 0 : delays.max / NANOSECONDS;
    const busyMs = this.#mostUs / MICROSECONDS;
    delays?.disable();
    this.#delays = undefined;
    this.#mostUs = 0;
    return { delayMs, busyMs };
  }
}
