import { expect, it } from "vitest";
import { readTicks } from "./machine.js";

it("what other machines took is the eighth figure of the processors, and guests' time counts once", () => {
  const stat = "cpu  100 2 30 400 5 0 7 56 90 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
  expect(readTicks(stat)).toEqual({ all: 600, stolen: 56 });
});
