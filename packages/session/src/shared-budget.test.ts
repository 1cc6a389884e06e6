import { array, assert, boolean, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { SharedBudget } from "./shared-budget.js";

const LIMIT = 100_000;

/** The holders of one budget and the bytes of each; a holder takes a message while it holds less than its share. */
class Holders {
  readonly budget = new SharedBudget(LIMIT);
  readonly held: number[];
  /** The last message of each. */
  readonly last: number[];

  constructor(count: number) {
    this.held = new Array<number>(count).fill(0);
    this.last = new Array<number>(count).fill(0);
  }

  /** False where it has to wait. */
  take(index: number, bytes: number): boolean {
    const held = this.held[index] as number;
    if (held > 0 && held >= this.budget.share) return false;
    this.held[index] = held + bytes;
    this.last[index] = bytes;
    this.budget.add(bytes);
    return true;
  }

  letGo(index: number): void {
    this.budget.remove(this.held[index] as number);
    this.held[index] = 0;
    this.last[index] = 0;
  }
}

describe("a shared budget", () => {
  it("counts the held bytes, and allows each holder the rest of the limit", () => {
    const budget = new SharedBudget(1_000);
    expect([budget.limit, budget.used, budget.share]).toEqual([1_000, 0, 1_000]);
    budget.add(300);
    budget.add(200);
    expect([budget.used, budget.share]).toEqual([500, 500]);
    budget.remove(300);
    expect([budget.used, budget.share]).toEqual([200, 800]);
  });

  it("leaves exactly nothing when the last message of a holder exceeded its limit", () => {
    const budget = new SharedBudget(1_000);
    budget.add(1_500);
    expect([budget.used, budget.share]).toEqual([1_500, 0]);
    budget.remove(1_500);
    expect([budget.used, budget.share]).toEqual([0, 1_000]);
  });

  it("limits each of k holders that fill it and stand still to limit / (k + 1) plus one message", () => {
    assert(
      property(integer({ min: 1, max: 200 }), integer({ min: 1, max: 50 }), (k, bytes) => {
        const holders = new Holders(k);
        for (let someTake = true; someTake; ) {
          someTake = false;
          for (let index = 0; index < k; index++) someTake = holders.take(index, bytes) || someTake;
        }
        const each = LIMIT / (k + 1);
        for (const held of holders.held) {
          expect(held).toBeGreaterThanOrEqual(each - bytes * k);
          expect(held).toBeLessThan(each + bytes);
        }
        expect(holders.budget.used).toBeLessThan(LIMIT);
      }),
    );
  });

  it("is exceeded only by each holder's last message, for any order of taking and releasing", () => {
    const step = record({
      holder: integer({ min: 0, max: 9 }),
      bytes: integer({ min: 1, max: 40_000 }),
      letsGo: boolean(),
    });
    assert(
      property(array(step, { maxLength: 300 }), (steps) => {
        const holders = new Holders(10);
        for (const { holder, bytes, letsGo } of steps) {
          if (letsGo) holders.letGo(holder);
          else holders.take(holder, bytes);
          const used = holders.held.reduce((sum, held) => sum + held, 0);
          const last = holders.last.reduce((sum, each) => sum + each, 0);
          expect(holders.budget.used).toBe(used);
          expect(used).toBeLessThanOrEqual(LIMIT + last);
          expect(holders.budget.share).toBe(Math.max(0, LIMIT - used));
        }
      }),
    );
  });

  it("lets a holder of nothing take one message when all others are full", () => {
    const holders = new Holders(100);
    for (let index = 0; index < 99; index++) while (holders.take(index, 40_000)) {}
    expect(holders.budget.share).toBe(0);
    expect(holders.take(99, 40_000)).toBe(true);
    expect(holders.take(99, 1)).toBe(false);
    holders.letGo(99);
    expect(holders.take(99, 40_000)).toBe(true);
  });
});
