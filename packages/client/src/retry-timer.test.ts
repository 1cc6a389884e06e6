import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RetryTimer } from "./retry-timer.js";

const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

it("takes as long as it is asked to, and leaves no timer", async () => {
  const pause = new RetryTimer().wait(50, never);
  vi.advanceTimersByTime(49);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  await pause;
  expect(vi.getTimerCount()).toBe(0);
});

it("ends at once when it is aborted, beforehand or meanwhile, and leaves no timer", async () => {
  await expect(new RetryTimer().wait(50, AbortSignal.abort("before"))).rejects.toBe("before");
  const controller = new AbortController();
  const pause = new RetryTimer().wait(50, controller.signal);
  controller.abort("meanwhile");
  await expect(pause).rejects.toBe("meanwhile");
  expect(vi.getTimerCount()).toBe(0);
});

it("keeps the process alive, or not, as was said last, also while it runs", async () => {
  vi.useRealTimers();
  const set = vi.spyOn(globalThis, "setTimeout");
  const controller = new AbortController();
  const retryTimer = new RetryTimer();
  retryTimer.setReferenced(false);
  const pause = retryTimer.wait(60_000, controller.signal);
  const timer = set.mock.results[0]?.value as NodeJS.Timeout;
  expect(timer.hasRef()).toBe(false);
  retryTimer.setReferenced(true);
  expect(timer.hasRef()).toBe(true);
  retryTimer.setReferenced(false);
  expect(timer.hasRef()).toBe(false);
  controller.abort("over");
  await expect(pause).rejects.toBe("over");
  set.mockRestore();
});
