import { expect, it } from "vitest";
import { count, countTable, groupDigits, kib, mib, quantile, sum, table } from "./figure.js";

it("aligns figures to the right, in groups of three digits", () => {
  expect(table(["what", "count"], [["ends", 1_234_567]])).toBe(
    "| what | count |\n| --- | ---: |\n| ends | 1 234 567 |\n",
  );
});

it("rounds figures and groups them by thousands", () => {
  expect([0, 999.4, 1_000, 1_234_567.8].map(groupDigits)).toEqual(["0", "999", "1 000", "1 234 568"]);
  expect([kib(24_832), mib(24_832), mib(1_572_864, 2)]).toEqual(["24.3", "0.0", "1.50"]);
});

it("lists counts, the most frequent first", () => {
  const counts: Record<string, number> = {};
  for (const name of ["cut", "end", "end"]) count(counts, name);
  count(counts, "end", 7);
  expect(countTable(["fault", "times"], counts)).toContain("| end | 9 |\n| cut | 1 |\n");
  expect(sum(Object.values(counts))).toBe(10);
});

it("gives as quantile the smallest figure that so many do not exceed, in any order", () => {
  const figures = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect([0, 0.5, 0.99, 1].map((share) => quantile(figures, share))).toEqual([1, 100, 198, 200]);
  expect(quantile([7], 0.99)).toBe(7);
});
