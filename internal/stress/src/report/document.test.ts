import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { replaceFigures } from "./figures.js";

const DOCUMENT = "# Title\n\n<!-- figures of faults -->\n\nold\n\n<!-- end of faults -->\n\nthe rest\n";

test("replaces what stands between the marks, and nothing else", () => {
  const once = replaceFigures(DOCUMENT, "faults", "new\n");
  expect(once).toBe(DOCUMENT.replace("old", "new"));
  expect(replaceFigures(once, "faults", "new\n")).toBe(once);
});

test("refuses a document that has no place for them", () => {
  expect(() => replaceFigures(DOCUMENT, "mutation", "new")).toThrow("no place for the figures of mutation");
});

test.each(["faults", "mutations", "kills", "ownership"])("docs/ROBUSTNESS.md has what %s has recorded", (name) => {
  const document = readFileSync(new URL("../../../docs/ROBUSTNESS.md", import.meta.url), "utf8");
  const figures = document.split(`<!-- figures of ${name} -->`)[1]?.split(`<!-- end of ${name} -->`)[0];
  expect(figures).toMatch(/^\n\n\d{4}-\d\d-\d\d, .+ Node\.js v\d+.+\n\n.*\d.*\n/);
  expect(document).toContain(`\`npm run ${name}`);
});
