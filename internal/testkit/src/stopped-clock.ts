import { onTestFinished, vi } from "vitest";

/**
 * Stops the timers of the process: from now on time passes only when the test says so, by the returned function. What
 * pauses with `node:timers/promises` goes on as ever. Ends with the test.
 */
export function stopClock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  return (ms) => void vi.advanceTimersByTime(ms);
}
