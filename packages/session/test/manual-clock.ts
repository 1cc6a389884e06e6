import type { HeartbeatClock } from "../src/heartbeat/heartbeat.js";

interface Timer {
  readonly ms: number;
  readonly tick: () => void;
}

/** A clock whose time passes when the test says so. */
export class ManualClock implements HeartbeatClock {
  readonly timers = new Set<Timer>();
  /** Called after the input that is there now. */
  readonly slices = new Set<() => void>();
  started = 0;

  readonly every = (ms: number, tick: () => void): (() => void) => {
    const timer = { ms, tick };
    this.timers.add(timer);
    this.started++;
    return () => void this.timers.delete(timer);
  };

  readonly afterInput = (resume: () => void): (() => void) => {
    this.slices.add(resume);
    return () => void this.slices.delete(resume);
  };

  /** Fires each timer once, however much time has passed, and runs nothing else. */
  fire(): void {
    for (const { tick } of [...this.timers]) tick();
  }

  /** Runs one slice; returns whether there was one. */
  slice(): boolean {
    const [resume] = this.slices;
    if (resume === undefined) return false;
    this.slices.delete(resume);
    resume();
    return true;
  }

  /** Lets so many ticks pass, each with all its slices. */
  pass(ticks: number): void {
    for (let tick = 0; tick < ticks; tick++) {
      this.fire();
      while (this.slice());
    }
  }
}
