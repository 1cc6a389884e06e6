import fc from "fast-check";
import { expect, test } from "vitest";
import { OpenCalls } from "./open-calls.js";

test("holds what a Map by id would hold, in the order of adding", () => {
  const steps = fc.array(fc.record({ id: fc.integer({ min: 0, max: 5 }), isAdded: fc.boolean() }));
  fc.assert(
    fc.property(steps, (all) => {
      const calls = new OpenCalls<{ readonly id: number }>();
      const expected = new Map<number, { readonly id: number }>();
      for (const { id, isAdded } of all) {
        const known = expected.get(id);
        if (isAdded && known === undefined) {
          const call = { id };
          calls.add(call);
          expected.set(id, call);
        } else if (!isAdded && known !== undefined) {
          calls.delete(known);
          expected.delete(id);
        }
        expect(calls.size).toBe(expected.size);
        expect(calls.get(id)).toBe(expected.get(id));
        expect([...calls.values()]).toEqual([...expected.values()]);
      }
    }),
  );
});

test("removes no call that has taken the id of an earlier one", () => {
  const calls = new OpenCalls<{ readonly id: number }>();
  const [first, second, later] = [{ id: 1 }, { id: 1 }, { id: 3 }];
  calls.add(first);
  calls.delete(first);
  calls.add(second);
  calls.delete(first);
  calls.add(later);
  calls.delete(first);
  expect([...calls.values()]).toEqual([second, later]);
});

test("gives each call once while all are removed", () => {
  const calls = new OpenCalls<{ readonly id: number }>();
  for (const id of [1, 3, 5]) calls.add({ id });
  const seen: number[] = [];
  for (const call of calls.values()) {
    seen.push(call.id);
    calls.delete(call);
  }
  expect([seen, calls.size]).toEqual([[1, 3, 5], 0]);
});
