import { expect, it } from "vitest";
import { median, medians, tellTimes } from "./quantile.js";

it("takes the middle value of an odd number, and the mean of both middle values of an even one", () => {
  expect([median([9, 1, 5]), median([4, 1, 2, 9]), median([7])]).toEqual([5, 3, 7]);
  expect(median([])).toBeNaN();
});

it("takes the median of each position over all rounds, as far as the shortest round goes", () => {
  expect(
    medians([
      [1, 5, 9],
      [2, 4],
      [3, 6, 8],
    ]),
  ).toEqual([2, 5]);
  expect(medians([])).toEqual([]);
});

it.each([
  [1, ["p50Us"], 5],
  [999, ["p50Us"], 8],
  [1_000, ["p50Us", "p99Us"], 9],
  [9_999, ["p50Us", "p99Us"], 9],
  [10_000, ["p50Us", "p99Us", "p999Us"], 10],
])("of %d round trips gives only quantiles with ten slower ones", (count, names, quantiles) => {
  const { figures, quantilesUs } = tellTimes(Array.from({ length: count }, (_, index) => count - index));
  expect(Object.keys(figures)).toEqual(names);
  expect(quantilesUs.length).toBe(quantiles);
  if (count === 10_000) expect(figures).toEqual({ p50Us: 5_001, p99Us: 9_901, p999Us: 9_991 });
});
