import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { grouped, kib, spreadOf, table } from "./scale-document.js";

const SECTIONS = ["many-clients", "stalled-reader", "come-and-go"];

describe("docs/SCALE.md", () => {
  const text = readFileSync(new URL("../../../docs/SCALE.md", import.meta.url), "utf8");

  it.each(SECTIONS)("has a section that %s has written, with the machine", (name) => {
    const section = text.split(`<!-- begin ${name} -->`)[1]?.split(`<!-- end ${name} -->`)[0];
    expect(section).toMatch(/^\n\nMeasured on \d{4}-\d\d-\d\d: .+ Node v\d+/);
    expect(text).toContain(`\`npm run ${name}\``);
  });
});

test("figures are rounded and grouped by thousands", () => {
  expect([0, 999.4, 1_000, 1_234_567.8].map(grouped)).toEqual(["0", "999", "1 000", "1 234 568"]);
  expect(kib(24_832)).toBe("24.3");
});

test("a spread is the least, the middle and the greatest, whatever their order", () => {
  expect(spreadOf([3, 1, 2])).toEqual({ least: 1, median: 2, greatest: 3 });
});

test("a table has a line under its head", () => {
  expect(table(["a", "b"], [["1", "2"]])).toEqual(["| a | b |", "| --- | --- |", "| 1 | 2 |"]);
});
