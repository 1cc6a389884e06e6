import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { TimeSlice } from "./time-slice.js";

/** Stops the clock that a time slice reads: time passes when the test says so. */
function stopClock(): (ms: number) => void {
  let now = 1;
  const spy = vi.spyOn(performance, "now").mockImplementation(() => now);
  onTestFinished(() => spy.mockRestore());
  return (ms) => {
    now += ms;
  };
}

/** Does steps that take `ms` each until the time slice is over, `most` at the most; returns how many it did. */
function work(timeSlice: TimeSlice, pass: (ms: number) => void, ms: number, most = 10_000): number {
  timeSlice.begin();
  for (let steps = 1; steps <= most; steps++) {
    pass(ms);
    if (timeSlice.countStep()) return steps;
  }
  return most;
}

test("a time slice ends after a millisecond of work, give or take two readings of the clock", () => {
  const pass = stopClock();
  const steps = work(new TimeSlice(), pass, 0.01);
  expect(steps).toBeGreaterThanOrEqual(100);
  expect(steps).toBeLessThanOrEqual(132);
});

test("a time slice counts the work of one chunk after the other, and not the time between them", () => {
  const pass = stopClock();
  const timeSlice = new TimeSlice();
  let steps = 0;
  for (let chunk = 0; !timeSlice.isExpired; chunk++) {
    steps += work(timeSlice, pass, 0.01, 64);
    pass(1_000);
    expect(chunk).toBeLessThan(10);
  }
  expect(steps).toBeGreaterThan(64);
});

test.each([1, 8, 16])("a time slice counts the work of chunks of only %i messages", (messages) => {
  const pass = stopClock();
  const timeSlice = new TimeSlice();
  let chunks = 0;
  for (; !timeSlice.isExpired && chunks < 100; chunks++) {
    work(timeSlice, pass, 0.125, messages);
    timeSlice.end();
    pass(1_000);
  }
  expect(chunks).toBe(Math.ceil(4 / messages));
});

test("a time slice of which half is used ends with a chunk, and not in its middle", () => {
  const pass = stopClock();
  const timeSlice = new TimeSlice();
  expect(work(timeSlice, pass, 0.01, 60)).toBe(60);
  expect(timeSlice.isExpired).toBe(false);
  timeSlice.end();
  expect(timeSlice.isExpired).toBe(true);
});

test("a time slice of which less than half is used goes on with the next chunk, for all of the time", () => {
  const pass = stopClock();
  const timeSlice = new TimeSlice();
  expect(work(timeSlice, pass, 0.01, 40)).toBe(40);
  timeSlice.end();
  expect(timeSlice.isExpired).toBe(false);
  const steps = work(timeSlice, pass, 0.01);
  expect(steps).toBeGreaterThanOrEqual(60);
  expect(steps).toBeLessThanOrEqual(92);
});

test("a time slice keeps the process alive while it yields", () => {
  const immediate = vi.spyOn(globalThis, "setImmediate");
  onTestFinished(() => immediate.mockRestore());
  const timeSlice = new TimeSlice();
  timeSlice.yield(() => {});
  const pending = immediate.mock.results.at(-1)?.value as NodeJS.Immediate;
  expect(pending.hasRef()).toBe(true);
  timeSlice.cancel();
});

test("a time slice has its whole time again after an idle macrotask", async () => {
  const pass = stopClock();
  const timeSlice = new TimeSlice();
  const first = work(timeSlice, pass, 0.01);
  const rested = new Promise<void>((resolve) => timeSlice.yield(resolve));
  expect([timeSlice.isExpired, timeSlice.isYielding]).toEqual([true, true]);
  await rested;
  expect([timeSlice.isExpired, timeSlice.isYielding]).toEqual([false, false]);
  expect(work(timeSlice, pass, 0.01)).toBeGreaterThanOrEqual(first - 32);
});

test("a cancelled time slice does not continue", async () => {
  const timeSlice = new TimeSlice();
  let went = 0;
  timeSlice.yield(() => went++);
  timeSlice.cancel();
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  expect([went, timeSlice.isYielding]).toEqual([0, false]);
});
