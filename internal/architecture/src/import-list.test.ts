import { describe, expect, test } from "vitest";
import { COMPUTED, listImports } from "./import-list.js";

describe("listImports", () => {
  test.each([
    ['import "a";', "a", false],
    ['import { x } from "a";', "a", false],
    ['import * as x from "a";', "a", false],
    ['import { type X } from "a";', "a", false],
    ['import type { X } from "a";', "a", true],
    ['import type X from "a";', "a", true],
    ['export { x } from "a";', "a", false],
    ['export * from "a";', "a", false],
    ['export type { X } from "a";', "a", true],
    ['export type * from "a";', "a", true],
    ['const x = await import("a");', "a", false],
    ["const x = await import(name);", COMPUTED, false],
    ['const { x } = process.getBuiltinModule("a");', "a", false],
    ['import x = require("a");', "a", false],
    ['let x: import("a").X;', "a", true],
  ])("finds %s", (text, specifier, typeOnly) => {
    expect(listImports("x.ts", text)).toEqual([{ specifier, typeOnly }]);
  });

  test("ignores comments, strings and exports of the file's own", () => {
    expect(listImports("x.ts", '// import "a"\nconst x = \'import "b"\';\nexport { x };\nexport const y = 1;')).toEqual(
      [],
    );
  });

  test("refuses a file that does not parse", () => {
    expect(() => listImports("x.ts", "import {")).toThrow(SyntaxError);
  });
});
