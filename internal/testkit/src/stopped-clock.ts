import { onTestFinished, vi } from "vitest";

/**
 * Stops the timers and `performance.now` of the process: from now on time passes only when the test says so, by the
 * returned function, and a connection decodes as long as there is input. Pauses by `node:timers/promises` go on as before.
 * Ends with the test.
 */
export function stopClock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  return (ms) => void vi.advanceTimersByTime(ms);
}

/** Lets the process be busy for `ms` milliseconds: the stopped clock goes on, and no timer fires meanwhile. Ends with the test. */
export function beBusy(ms: number): void {
  const stopped = performance.now.bind(performance);
  const freeAt = stopped() + ms;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => Math.max(stopped(), freeAt));
  onTestFinished(() => clock.mockRestore());
}
