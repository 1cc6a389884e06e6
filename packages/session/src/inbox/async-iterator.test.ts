import { describe, expect, it } from "vitest";
import { type IterationSource, iterate, type MessageIterator } from "./async-iterator.js";

interface Bench {
  readonly iteration: MessageIterator<number>;
  /** What was asked of the source. */
  readonly asked: string[];
  /** What is there to be taken. */
  readonly items: number[];
  /** Settles the oldest wait. */
  readonly give: (value: number | undefined) => void;
  readonly fail: (error: Error) => void;
}

const DONE = { done: true, value: undefined };

function bench(source: Partial<IterationSource<number>> = {}): Bench {
  const asked: string[] = [];
  const items: number[] = [];
  const waits: { resolve: (value: number | undefined) => void; reject: (error: Error) => void }[] = [];
  const iteration = iterate<number>({
    begin: () => void asked.push("begin"),
    tryNext: () => items.shift(),
    next: () => {
      asked.push("next");
      return new Promise((resolve, reject) => waits.push({ resolve, reject }));
    },
    end: () => {
      asked.push("end");
      for (const { resolve } of waits.splice(0)) resolve(undefined);
    },
    ...source,
  });
  return {
    iteration,
    asked,
    items,
    give: (value) => waits.shift()?.resolve(value),
    fail: (error) => waits.shift()?.reject(error),
  };
}

describe("an iteration", () => {
  it("holds its source from the first next, and not before", async () => {
    const { iteration, asked, items } = bench();
    expect(asked).toEqual([]);
    items.push(1, 2);
    expect(await iteration.next()).toEqual({ done: false, value: 1 });
    expect(await iteration.next()).toEqual({ done: false, value: 2 });
    expect(asked).toEqual(["begin"]);
  });

  it("waits only where nothing is there", async () => {
    const { iteration, asked, items, give } = bench();
    const first = iteration.next();
    give(1);
    expect(await first).toEqual({ done: false, value: 1 });
    items.push(2);
    expect(await iteration.next()).toEqual({ done: false, value: 2 });
    expect(asked).toEqual(["begin", "next"]);
  });

  it("stands in a for await, and lets go when the loop is left, by break or by a throw", async () => {
    for (const leave of ["break", "throw"]) {
      const { iteration, asked, items } = bench();
      items.push(1, 2, 3);
      const seen: number[] = [];
      const loop = async (): Promise<void> => {
        for await (const item of iteration) {
          seen.push(item);
          if (item === 2 && leave === "throw") throw new Error("enough");
          if (item === 2) break;
        }
      };
      await loop().catch((error: Error) => expect(error.message).toBe("enough"));
      expect([seen, items, asked]).toEqual([[1, 2], [3], ["begin", "end"]]);
    }
  });

  it("is over when its source says so, lets go once, and stays over", async () => {
    const { iteration, asked, items, give } = bench();
    const next = iteration.next();
    give(undefined);
    expect(await next).toEqual(DONE);
    items.push(1);
    expect(await iteration.next()).toEqual(DONE);
    expect(await iteration.return?.()).toEqual(DONE);
    expect(asked).toEqual(["begin", "next", "end"]);
    expect(items).toEqual([1]);
  });

  it("rejects once with what its source fails with, lets go, and is over", async () => {
    const { iteration, asked, fail } = bench();
    const next = iteration.next();
    fail(new Error("lost"));
    await expect(next).rejects.toThrow("lost");
    expect(await iteration.next()).toEqual(DONE);
    expect(asked).toEqual(["begin", "next", "end"]);
  });

  it("that could not begin holds nothing, and may begin later", async () => {
    let isTaken = true;
    const { iteration, asked, items } = bench({
      begin: () => {
        if (isTaken) throw new Error("taken");
      },
    });
    items.push(1);
    await expect(iteration.next()).rejects.toThrow("taken");
    expect(asked).toEqual([]);
    isTaken = false;
    expect(await iteration.next()).toEqual({ done: false, value: 1 });
  });

  it("that is returned from before it began never begins", async () => {
    const { iteration, asked, items } = bench();
    items.push(1);
    expect(await iteration.return?.()).toEqual(DONE);
    expect(await iteration.next()).toEqual(DONE);
    expect([asked, items]).toEqual([[], [1]]);
  });

  it("that is returned from settles every next that waits, and lets go once", async () => {
    const { iteration, asked } = bench();
    const waits = [iteration.next(), iteration.next()];
    await iteration.return?.();
    expect(await Promise.all(waits)).toEqual([DONE, DONE]);
    expect(asked).toEqual(["begin", "next", "next", "end"]);
  });
});
