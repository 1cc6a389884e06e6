import { expect, test } from "vitest";
import { SeededRandom } from "./random.js";

function take(seed: number, count: number): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.uint32());
}

test("gives the same numbers for the same seed, on every machine", () => {
  expect(take(1, 4)).toEqual([2693262067, 11749833, 2265367787, 4213581821]);
  expect(take(1, 100)).toEqual(take(1, 100));
});

test("gives unrelated numbers for neighbouring seeds", () => {
  const firsts = Array.from({ length: 1_000 }, (_, seed) => take(seed, 1)[0] as number);
  expect(new Set(firsts).size).toBe(1_000);
  // Each bit of the first number is set in about half of the seeds.
  for (let bit = 0; bit < 32; bit++) {
    const set = firsts.filter((first) => (first >>> bit) & 1).length;
    expect(set).toBeGreaterThan(400);
    expect(set).toBeLessThan(600);
  }
});

test("gives numbers within the bounds, and the bounds themselves", () => {
  const random = new SeededRandom(7);
  const integers = Array.from({ length: 1_000 }, () => random.integer(3, 7));
  expect(new Set(integers)).toEqual(new Set([3, 4, 5, 6, 7]));
  const magnitudes = Array.from({ length: 1_000 }, () => random.magnitude(1, 1_000));
  expect(Math.min(...magnitudes)).toBe(1);
  expect(Math.max(...magnitudes)).toBeLessThanOrEqual(1_000);
  expect(magnitudes.filter((size) => size < 32).length).toBeGreaterThan(400);
  expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
  expect(random.bytes(20)).toHaveLength(20);
});

test("rejects an invalid seed, and a pick from an empty list", () => {
  for (const seed of [-1, 0.5, 2 ** 32, Number.NaN]) expect(() => new SeededRandom(seed)).toThrow(RangeError);
  expect(() => new SeededRandom(0).pick([])).toThrow(RangeError);
});
