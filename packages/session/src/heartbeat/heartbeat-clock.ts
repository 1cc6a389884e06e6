import { clearImmediate, clearInterval, setImmediate, setInterval } from "node:timers";

/** The time of a heartbeat. Each method returns a function that cancels it. */
export interface HeartbeatClock {
  /** Calls `tick` every `ms` milliseconds; one that is late is not made up for. */
  readonly every: (ms: number, tick: () => void) => () => void;
  /** Calls `resume` once the event loop has read what the kernel holds for this process. */
  readonly afterInput: (resume: () => void) => () => void;
}

/** The process's clock. Its timer does not keep the process alive. */
export const systemClock: HeartbeatClock = Object.freeze({
  every(ms: number, tick: () => void): () => void {
    const timer = setInterval(tick, ms).unref();
    return () => clearInterval(timer);
  },
  afterInput(resume: () => void): () => void {
    // Immediates run after the event loop has polled for input. A busy process finds timers due before it has read anything.
    const immediate = setImmediate(resume);
    return () => clearImmediate(immediate);
  },
});
