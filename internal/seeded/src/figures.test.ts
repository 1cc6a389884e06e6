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
