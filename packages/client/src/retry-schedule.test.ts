import { describe, expect, it } from "vitest";
import { RetrySchedule } from "./retry-schedule.js";

const LEAST = (): number => 0;
const MOST = (): number => 1 - Number.EPSILON;

function pausesOf(schedule: RetrySchedule, count: number): number[] {
  return Array.from({ length: count }, () => schedule.next());
}

describe("the back-off", () => {
  it("is at least half of 50 ms doubling to the maximum", () => {
    expect(pausesOf(new RetrySchedule({ maxMs: 1_000, random: LEAST }), 7)).toEqual([25, 50, 100, 200, 400, 500, 500]);
  });

  it("stays under 50 ms doubling to the maximum", () => {
    const bounds = [50, 100, 200, 250, 250];
    const longest = pausesOf(new RetrySchedule({ maxMs: 250, random: MOST }), bounds.length);
    for (const [i, ms] of longest.entries()) {
      expect(ms).toBeLessThanOrEqual(bounds[i] as number);
      expect(ms).toBeGreaterThan((bounds[i] as number) - 1);
    }
  });

  it("is half fixed and half random", () => {
    expect(pausesOf(new RetrySchedule({ maxMs: 250, random: () => 0.5 }), 4)).toEqual([37.5, 75, 150, 187.5]);
  });

  it.each([
    ["the least", LEAST],
    ["the most", MOST],
  ])(
    "is at least 25 ms for the random number %s, because a Go server that missed the old end never serves",
    (_what, random) => {
      const schedule = new RetrySchedule({ maxMs: 250, random });
      for (let round = 0; round < 3; round++) {
        for (const ms of pausesOf(schedule, 4)) expect(ms).toBeGreaterThanOrEqual(25);
        schedule.reset();
      }
    },
  );

  it("starts anew after reset", () => {
    const schedule = new RetrySchedule({ maxMs: 1_000, random: LEAST });
    pausesOf(schedule, 9);
    schedule.reset();
    expect(pausesOf(schedule, 3)).toEqual([25, 50, 100]);
  });

  it("is at most the maximum when that is below its first pause", () => {
    expect(pausesOf(new RetrySchedule({ maxMs: 30, random: LEAST }), 3)).toEqual([15, 15, 15]);
  });
});

describe("a fixed pause", () => {
  it.each([0, 1, 5_000])("of %i ms stays the same and uses no random number", (fixedMs) => {
    const random = (): number => {
      throw new Error("not asked for");
    };
    const schedule = new RetrySchedule({ fixedMs, maxMs: 250, random });
    expect(pausesOf(schedule, 3)).toEqual([fixedMs, fixedMs, fixedMs]);
    schedule.reset();
    expect(schedule.next()).toBe(fixedMs);
  });
});
