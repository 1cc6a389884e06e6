import { describe, expect, test } from "vitest";
import { leastAdvanced } from "./least-advanced.js";

const SAFE = 3;
const at = (...stages: number[]): { readonly name: string; readonly stage: number }[] =>
  stages.map((stage, index) => ({ name: `${index}`, stage }));
const chosen = (stages: number[], random = 0): string | undefined =>
  leastAdvanced(at(...stages).values(), SAFE, () => random)?.name;

describe("leastAdvanced", () => {
  test("returns the one with the lowest stage, wherever it stands", () => {
    expect([chosen([0, 1, 2]), chosen([2, 1, 2]), chosen([2, 2, 0]), chosen([3, 2, 3])]).toEqual(["0", "1", "2", "1"]);
  });

  test("returns each of several equals for an equal share of the random numbers", () => {
    const shares = [0, 0.24, 0.25, 0.49, 0.5, 0.74, 0.75, 0.999].map((random) => chosen([1, 0, 2, 0, 0, 3, 0], random));
    expect(shares).toEqual(["1", "1", "3", "3", "4", "4", "6", "6"]);
  });

  test("returns undefined when all have reached the safe stage, or there is none", () => {
    expect([chosen([3, 3, 4]), chosen([])]).toEqual([undefined, undefined]);
  });
});
