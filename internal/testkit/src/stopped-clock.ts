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
