import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { filesUnder, foldersIn, readText } from "./source-tree.js";

const MAX_LINES = 300;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/;
/** Names that say nothing about what is inside. */
const DRAWERS = new Set(["utils", "util", "helpers", "common", "shared", "misc", "types", "constants", "base"]);

const files = ["packages", "apps", "internal", "scripts"]
  .filter((folder) => foldersIn(".").includes(folder))
  .flatMap((folder) => filesUnder(folder, [".ts", ".mts", ".mjs", ".js"]));

describe("source files", () => {
  test(`have ${MAX_LINES} lines at most`, () => {
    const long = files.map((file) => ({ file, lines: readText(file).split("\n").length - 1 }));
    expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
  });

  test("are named in kebab-case", () => {
    expect(files.filter((file) => !KEBAB_CASE.test(posix.basename(file)))).toEqual([]);
  });

  test("are named after what is inside, not after a drawer", () => {
    expect(files.filter((file) => DRAWERS.has(posix.basename(file).split(".")[0] ?? ""))).toEqual([]);
  });
});
