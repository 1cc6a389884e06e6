import { expect, test } from "vitest";
import { table } from "./table.js";

test("writes figures to the right, in groups of three digits", () => {
  expect(table(["what", "count"], [["ends", 1_234_567]])).toBe(
    "| what | count |\n| --- | ---: |\n| ends | 1 234 567 |\n",
  );
});
