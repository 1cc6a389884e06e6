import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { beBusy } from "../../../internal/testkit/src/stopped-clock.js";
import { startTimeLimit } from "./time-limit.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

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
])("gives a busy process %s, once", (_what, busyMs, againMs) => {
  const onOver = vi.fn();
  startTimeLimit(100, onOver);
  beBusy(busyMs);
  vi.advanceTimersByTime(100);
  vi.advanceTimersByTime(againMs - 1);
  expect(onOver).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect([onOver.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
});

it("can be cancelled before and during the time that it gives again", () => {
  const onOver = vi.fn();
  startTimeLimit(100, onOver).cancel();
  const late = startTimeLimit(100, onOver);
  beBusy(150);
  vi.advanceTimersByTime(100);
  late.cancel();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(onOver).not.toHaveBeenCalled();
});

it.each([
  ["does not keep the process alive", {}, false],
  ["keeps it alive where the caller has to hear of the end", { keepsAlive: true }, true],
])("%s, also in the time that it gives again", (_what, options, isReferenced) => {
  // No spy: vitest restores each once more after the file, and this one would put the stopped clock back.
  const timers = vi.fn(setTimeout);
  vi.stubGlobal("setTimeout", timers);
  const limit = startTimeLimit(100, () => {}, options);
  beBusy(150);
  vi.advanceTimersByTime(100);
  limit.cancel();
  expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([isReferenced, isReferenced]);
});
