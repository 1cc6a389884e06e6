import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { filesUnder, foldersIn, readText } from "./source-tree.js";

const MAX_LINES = 300;
const MAX_FILES_IN_FOLDER = 15;
/** A file of so few lines says little by itself; entry points and error classes may. */
const SMALL_LINES = 40;
const MAX_SMALL_SHARE = 0.12;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/;
/** Names that do not say what is inside. */
const DRAWERS = new Set(["utils", "util", "helpers", "common", "shared", "misc", "types", "constants", "base"]);

const files = ["packages", "apps", "internal", "scripts"]
  .filter((folder) => foldersIn(".").includes(folder))
  .flatMap((folder) => filesUnder(folder, [".ts", ".mts", ".mjs", ".js"]));

const lineCount = (file: string): number => readText(file).split("\n").length - 1;
const librarySources = files.filter((file) => /^packages\/[a-z-]+\/src\//.test(file) && !file.endsWith(".test.ts"));

describe("source files", () => {
  test(`have ${MAX_LINES} lines at most`, () => {
    const long = files.map((file) => ({ file, lines: lineCount(file) }));
    expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
  });

  test("are named in kebab-case", () => {
    expect(files.filter((file) => !KEBAB_CASE.test(posix.basename(file)))).toEqual([]);
  });

  test("are named after what is inside, not after a drawer", () => {
    expect(files.filter((file) => DRAWERS.has(posix.basename(file).split(".")[0] ?? ""))).toEqual([]);
  });

  test(`of the packages are ${MAX_FILES_IN_FOLDER} in a folder at most`, () => {
    const counts = new Map<string, number>();
    for (const file of librarySources) counts.set(posix.dirname(file), (counts.get(posix.dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MAX_FILES_IN_FOLDER)).toEqual([]);
  });

  test(`of the packages have more than ${SMALL_LINES} lines, but for ${MAX_SMALL_SHARE * 100} % of them`, () => {
    const small = librarySources.filter((file) => lineCount(file) <= SMALL_LINES);
    expect(small.length / librarySources.length, small.join(", ")).toBeLessThanOrEqual(MAX_SMALL_SHARE);
  });
});
