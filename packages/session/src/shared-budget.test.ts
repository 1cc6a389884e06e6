import { setImmediate as nextTurn } from "node:timers/promises";
import { array, assert, boolean, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { keepUncaught } from "../../../internal/testkit/src/uncaught-exceptions.js";
import { type BudgetWaiter, SharedBudget } from "./shared-budget.js";

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

describe("the holders that wait for a shared budget", () => {
  /** Notes the names of those that are woken. */
  function waiters(budget: SharedBudget) {
    const woken: string[] = [];
    const wait = (name: string, then = (): void => {}): BudgetWaiter => {
      const waiter = {
        onRoom(): void {
          woken.push(name);
          then();
        },
      };
      budget.wait(waiter);
      return waiter;
    };
    return { woken, wait };
  }

  it("are woken once, in order, in a turn after bytes were freed, and not by bytes that are added", async () => {
    const budget = new SharedBudget(1_000);
    const { woken, wait } = waiters(budget);
    for (const name of ["a", "b", "c"]) wait(name);
    budget.add(500);
    budget.remove(0);
    await nextTurn();
    expect([woken, budget.waiting]).toEqual([[], 3]);
    budget.remove(100);
    budget.remove(100);
    expect(woken).toEqual([]);
    await nextTurn();
    expect([woken, budget.waiting]).toEqual([["a", "b", "c"], 0]);
    budget.remove(100);
    await nextTurn();
    expect(woken).toHaveLength(3);
  });

  it("are woken a few in each turn, and all of them for one release, also those that go on waiting", async () => {
    const budget = new SharedBudget(1_000);
    const { woken, wait } = waiters(budget);
    const names = Array.from({ length: 20 }, (_each, index) => `${index}`);
    for (const name of names) {
      const waiter = wait(name, () => budget.wait(waiter));
    }
    budget.add(1);
    budget.remove(1);
    const perTurn: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const before = woken.length;
      await nextTurn();
      perTurn.push(woken.length - before);
    }
    expect([perTurn, woken, budget.waiting]).toEqual([[8, 8, 4, 0, 0], names, 20]);
  });

  it("are all woken again when bytes are freed meanwhile", async () => {
    const budget = new SharedBudget(1_000);
    const { woken, wait } = waiters(budget);
    budget.add(2);
    wait("a", () => budget.remove(1));
    for (const name of ["b", "c"]) {
      const waiter = wait(name, () => budget.wait(waiter));
    }
    budget.remove(1);
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    expect([woken, budget.waiting]).toEqual([["a", "b", "c", "b", "c"], 2]);
  });

  it("are not woken after they have left", async () => {
    const budget = new SharedBudget(1_000);
    const { woken, wait } = waiters(budget);
    const [first, second] = [wait("a"), wait("b")];
    budget.wait(first);
    wait("c", () => budget.leave(second));
    budget.leave(first);
    budget.add(1);
    budget.remove(1);
    budget.leave(second);
    await nextTurn();
    expect([woken, budget.waiting]).toEqual([["c"], 0]);
  });

  it("are all woken for one release, also if some of them throw", async () => {
    const uncaught = keepUncaught();
    const budget = new SharedBudget(1_000);
    const { woken, wait } = waiters(budget);
    const defect = new Error("thrown by a waiter");
    const fail = (): never => {
      throw defect;
    };
    const names = Array.from({ length: 10 }, (_each, index) => `${index}`);
    for (const name of names) wait(name, name === "0" || name === "8" ? fail : undefined);
    budget.add(1);
    budget.remove(1);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    expect([woken, budget.waiting, uncaught]).toEqual([names, 0, [defect, defect]]);
  });
});
