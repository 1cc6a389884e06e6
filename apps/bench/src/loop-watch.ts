import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { cpuUs } from "./processor-time.js";

const NANOSECONDS = 1_000_000;
const MICROSECONDS = 1_000;

/** For how long the event loop was held up at the most. */
export interface LoopDelay {
  readonly delayMs: number;
  /** The delay that one in a hundred exceeds: unlike the longest, no single pause of the machine decides it. */
  readonly delayP99Ms: number;
  /**
   * Processor time between two timers of 1 ms: what this process did itself, whatever else the machine does. It includes V8's helper
   * threads, so it may exceed the delay.
   */
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

  /** Stops, and returns the delays since the start; none if it was not started. */
  stop(): LoopDelay {
    clearInterval(this.#timer);
    const delays = this.#delays;
    const hasDelays = delays !== undefined && delays.count > 0;
    const delayMs = hasDelays ? delays.max / NANOSECONDS : 0;
    const delayP99Ms = hasDelays ? delays.percentile(99) / NANOSECONDS : 0;
    const busyMs = this.#mostUs / MICROSECONDS;
    delays?.disable();
    this.#delays = undefined;
    this.#mostUs = 0;
    return { delayMs, delayP99Ms, busyMs };
  }
}
