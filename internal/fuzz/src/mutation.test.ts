import { SeededRandom } from "@ipc-internal/stress";
import { describe, expect, it } from "vitest";
import type { Item } from "./conversation.js";
import { type Mutation, mutate, pickMutation } from "./mutation.js";

const ITEMS: readonly Item[] = [
  { state: "a", bytes: Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4) },
  { state: "b", bytes: Uint8Array.of(0, 0, 0, 5, 6, 7, 8, 9, 10) },
  { state: "c", bytes: Uint8Array.of(0, 0, 0, 2, 11, 12) },
];
const OTHER: Item = { state: "other", bytes: Uint8Array.of(99) };

/** Mutates the middle one; gives the bytes of each item. */
function mutateOften(mutation: Mutation): number[][][] {
  return Array.from({ length: 200 }, (_, seed) =>
    mutate(ITEMS, 1, mutation, new SeededRandom(seed), [OTHER]).map((item) => [...item.bytes]),
  );
}

const [first, middle, last] = ITEMS.map((item) => [...item.bytes]) as [number[], number[], number[]];

describe("mutate", () => {
  it.each<[Mutation, (result: number[][]) => boolean]>([
    ["truncate", (got) => got.length === 2 && (got[1] as number[]).length < middle.length],
    ["stop", (got) => got.length === 1],
    ["flip", (got) => (got[1] as number[]).length === middle.length],
    ["shorten", (got) => (got[1] as number[]).length <= middle.length && got.length === 3],
    ["empty", (got) => (got[1] as number[]).length === 0],
    ["duplicate", (got) => `${got[1]}` === `${middle},${middle}`],
    ["insert", (got) => (got[1] as number[]).length > middle.length],
    ["splice", (got) => `${got[1]}` === "99"],
    ["length", (got) => `${got[1]?.slice(4)}` === `${middle.slice(4)}`],
    ["noise", (got) => (got[1] as number[]).length === middle.length],
  ])("%s changes one item only", (mutation, holds) => {
    for (const got of mutateOften(mutation)) {
      expect(got[0]).toEqual(first);
      if (got.length === 3) expect(got[2]).toEqual(last);
      expect(holds(got)).toBe(true);
    }
  });

  it("swap changes the order, and no byte", () => {
    const orders = new Set(mutateOften("swap").map((got) => JSON.stringify(got)));
    expect(orders.size).toBe(3);
    for (const order of orders) {
      expect((JSON.parse(order) as number[][]).toSorted()).toEqual([first, middle, last].toSorted());
    }
  });

  it("does not change its arguments", () => {
    const before = JSON.stringify(ITEMS);
    const random = new SeededRandom(1);
    const mutations = new Set<Mutation>();
    for (let i = 0; i < 1_000; i++) {
      const mutation = pickMutation(random);
      mutations.add(mutation);
      mutate(ITEMS, random.integer(0, 2), mutation, random, [OTHER]);
    }
    expect(JSON.stringify(ITEMS)).toBe(before);
    expect(mutations.size).toBe(11);
  });
});
