import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { Stint } from "./stint.js";

/** Stops the clock that a stint looks at: time passes when the test says so. */
function stopClock(): (ms: number) => void {
  let now = 1;
  const spy = vi.spyOn(performance, "now").mockImplementation(() => now);
  onTestFinished(() => spy.mockRestore());
  return (ms) => {
    now += ms;
  };
}

/** Does steps that take `ms` each until the stint is over, `most` at the most; returns how many it did. */
function work(stint: Stint, pass: (ms: number) => void, ms: number, most = 10_000): number {
  stint.begin();
  for (let steps = 1; steps <= most; steps++) {
    pass(ms);
    if (stint.isOver()) return steps;
  }
  return most;
}

test("a stint ends after a millisecond of work, give or take two looks at the clock", () => {
  const pass = stopClock();
  const steps = work(new Stint(), pass, 0.01);
  expect(steps).toBeGreaterThanOrEqual(100);
  expect(steps).toBeLessThanOrEqual(132);
});

test("it counts the work of one chunk after the other, and not the time between them", () => {
  const pass = stopClock();
  const stint = new Stint();
  let steps = 0;
  for (let chunk = 0; !stint.isSpent; chunk++) {
    steps += work(stint, pass, 0.01, 64);
    pass(1_000);
    expect(chunk).toBeLessThan(10);
  }
  expect(steps).toBeGreaterThan(64);
});

test.each([1, 8, 16])("it counts the work of chunks of %i messages, however few", (messages) => {
  const pass = stopClock();
  const stint = new Stint();
  let chunks = 0;
  for (; !stint.isSpent && chunks < 100; chunks++) {
    work(stint, pass, 0.1, messages);
    stint.end();
    pass(1_000);
  }
  expect(chunks).toBe(Math.ceil(10 / messages));
});

test("a rest keeps the process alive where the connection does, also when that changes meanwhile", () => {
  const resting = (stint: Stint): number => {
    const count = (): number => process.getActiveResourcesInfo().filter((name) => name === "Immediate").length;
    const before = count();
    stint.rest(() => {});
    return count() - before;
  };
  const immediate = vi.spyOn(globalThis, "setImmediate");
  onTestFinished(() => immediate.mockRestore());
  const stint = new Stint();
  stint.setReferenced(false);
  resting(stint);
  const rest = immediate.mock.results.at(-1)?.value as NodeJS.Immediate;
  expect(rest.hasRef()).toBe(false);
  stint.setReferenced(true);
  expect(rest.hasRef()).toBe(true);
  stint.setReferenced(false);
  expect(rest.hasRef()).toBe(false);
  stint.cancel();
});

test("after a rest, which is a turn of the loop, it has its whole time again", async () => {
  const pass = stopClock();
  const stint = new Stint();
  const first = work(stint, pass, 0.01);
  const rested = new Promise<void>((resolve) => stint.rest(resolve));
  expect([stint.isSpent, stint.isResting]).toEqual([true, true]);
  await rested;
  expect([stint.isSpent, stint.isResting]).toEqual([false, false]);
  expect(work(stint, pass, 0.01)).toBeGreaterThanOrEqual(first - 32);
});

test("one that is cancelled does not go on", async () => {
  const stint = new Stint();
  let went = 0;
  stint.rest(() => went++);
  stint.cancel();
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  expect([went, stint.isResting]).toEqual([0, false]);
});
