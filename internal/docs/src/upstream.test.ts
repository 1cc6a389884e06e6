import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { ROOT, readText } from "./document.js";

const rows = [...readText("docs/UPSTREAM.md").matchAll(/^\| (\d+) \|/gm)].map(([, row]) => Number(row));

/** The rows that a test or a group of tests is named by. */
function testedRows(): Set<number> {
  const named = new Set<number>();
  for (const folder of ["packages", "internal"]) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      const isTest = file.endsWith(".test.ts") && !file.split(sep).includes("node_modules");
      if (!isTest) continue;
      for (const [, row] of readText(join(folder, file)).matchAll(/"row (\d+): /g)) named.add(Number(row));
    }
  }
  return named;
}

test("the rows are numbered from 1 on", () => {
  expect(rows).toEqual(Array.from({ length: 39 }, (_, index) => index + 1));
});

test("each row has a test that is named by it, and each test that is named by a row has that row", () => {
  expect([...testedRows()].sort((one, other) => one - other)).toEqual(rows);
});
