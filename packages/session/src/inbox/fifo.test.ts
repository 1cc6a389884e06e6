import { array, assert, constant, integer, oneof, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { Fifo } from "./fifo.js";

function contents<T>(fifo: Fifo<T>): (T | undefined)[] {
  return Array.from({ length: fifo.length }, (_, index) => fifo.at(index));
}

function filled(count: number): Fifo<number> {
  const fifo = new Fifo<number>();
  for (let item = 0; item < count; item++) fifo.push(item);
  return fifo;
}

describe("a fifo", () => {
  test("returns the pushed items, oldest first, and undefined when empty", () => {
    const fifo = new Fifo<string>();
    expect(fifo.shift()).toBeUndefined();
    fifo.push("a");
    fifo.push("b");
    expect([fifo.shift(), fifo.shift(), fifo.shift(), fifo.length]).toEqual(["a", "b", undefined, 0]);
  });

  test("behaves like an array for any sequence of operations", () => {
    const steps = array(
      oneof(
        record({ do: constant("push"), count: integer({ min: 1, max: 40 }) }),
        record({ do: constant("shift"), count: integer({ min: 1, max: 40 }) }),
        record({ do: constant("replace"), count: integer({ min: 0, max: 60 }) }),
        record({ do: constant("filter"), count: integer({ min: 2, max: 5 }) }),
      ),
      { maxLength: 40 },
    );
    assert(
      property(steps, (plan) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        let next = 0;
        for (const { do: action, count } of plan) {
          if (action === "push") {
            for (let n = 0; n < count; n++) {
              fifo.push(next);
              model.push(next++);
            }
          } else if (action === "shift") {
            for (let n = 0; n < count; n++) expect(fifo.shift()).toBe(model.shift());
          } else if (action === "replace" && count < model.length) {
            fifo.replaceAt(count, next);
            model[count] = next++;
          } else if (action === "filter") {
            fifo.filter((item, index) => (item + index) % count !== 0);
            model = model.filter((item, index) => (item + index) % count !== 0);
          }
          expect(contents(fifo)).toEqual(model);
        }
      }),
    );
  });

  test.each([1_024, 1_025, 5_000])("of %i items empties in order and can be filled again", (count) => {
    const fifo = filled(count);
    const taken = Array.from({ length: count }, () => fifo.shift());
    expect(taken).toEqual(Array.from({ length: count }, (_, item) => item));
    fifo.push(7);
    expect(contents(fifo)).toEqual([7]);
  });

  test("has nothing outside of its length", () => {
    const fifo = filled(3);
    expect([fifo.at(-1), fifo.at(3), new Fifo().at(0)]).toEqual([undefined, undefined, undefined]);
    expect(() => fifo.replaceAt(3, 9)).toThrow(new RangeError("index: takes 0 … 2, got 3"));
    expect(() => fifo.replaceAt(-1, 9)).toThrow(RangeError);
    expect(contents(fifo)).toEqual([0, 1, 2]);
  });

  test("does not keep a removed item alive", () => {
    const fifo = new Fifo<object>();
    const gone = Array.from({ length: 20 }, () => {
      const item = {};
      fifo.push(item);
      return new WeakRef(item);
    });
    while (fifo.shift() !== undefined);
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      globalThis.gc?.();
      expect(gone.filter((item) => item.deref() !== undefined)).toEqual([]);
    });
  });
});
