import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { handledRejection } from "./deferred.js";
import { settleWithin, startTimeLimit } from "./time-limit.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** Lets the process be busy: the clock goes on, and no timer fires meanwhile. */
function block(ms: number): void {
  const now = performance.now();
  vi.spyOn(performance, "now").mockReturnValue(now + ms);
}

it("calls back when the time is over, and not before", () => {
  const onOver = vi.fn();
  startTimeLimit(100, onOver);
  vi.advanceTimersByTime(99);
  expect(onOver).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect([onOver.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
});

it.each([
  ["as much time again as the process was busy too long", 140, 40],
  ["at most the limit again", 10_000, 100],
])("gives %s, once", (_what, busyMs, againMs) => {
  const onOver = vi.fn();
  startTimeLimit(100, onOver);
  block(busyMs);
  vi.advanceTimersByTime(100);
  vi.advanceTimersByTime(againMs - 1);
  expect(onOver).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect([onOver.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
  vi.restoreAllMocks();
});

it("is cancelled before and during the time that it gives again", () => {
  const onOver = vi.fn();
  startTimeLimit(100, onOver).cancel();
  const late = startTimeLimit(100, onOver);
  block(150);
  vi.advanceTimersByTime(100);
  late.cancel();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(onOver).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

it.each([
  ["resolves", Promise.resolve()],
  ["rejects", handledRejection(new Error("no"))],
])("settleWithin leaves no timer when its promise %s", async (_how, promise) => {
  await settleWithin(1_000, promise).catch(() => {});
  expect(vi.getTimerCount()).toBe(0);
});
