import { expect, it } from "vitest";
import { median } from "./quantile.js";

it("takes the middle value of an odd number, and the mean of both middle values of an even one", () => {
  expect([median([9, 1, 5]), median([4, 1, 2, 9]), median([7])]).toEqual([5, 3, 7]);
  expect(median([])).toBeNaN();
});
