import { expect, it } from "vitest";
import { entryPointFiles, listEntryPoints } from "./entry-point.mjs";

const types = "./dist/any.d.ts";

it("lists the entry points of a package in the order of its exports", () => {
  const exports = {
    ".": { require: { types, default: "./dist/index.js" } },
    "./deep/key": { require: { types, default: "./dist/deep/key/index.js" } },
    "./package.json": "./package.json",
  };
  expect(listEntryPoints({ exports })).toEqual([
    { subpath: ".", path: "index" },
    { subpath: "./deep/key", path: "deep/key/index" },
  ]);
});

it("re-exports the CommonJS file and its declarations from the ESM files", () => {
  expect(entryPointFiles({ subpath: ".", path: "index" }, ["one", "two"])).toEqual([
    ["dist/index.mjs", 'export {\n  one,\n  two,\n} from "./index.js";\n'],
    ["dist/index.d.mts", 'export * from "./index.js";\n'],
  ]);
});

it("loads the CommonJS file from an ESM file that exports no value", () => {
  const [[, text]] = entryPointFiles({ subpath: ".", path: "index" }, []);
  expect(text).toBe('import "./index.js";\n\nexport {};\n');
});

it("points a folder named as the subpath at the entry point's files", () => {
  const files = new Map(entryPointFiles({ subpath: "./deep/key", path: "deep/key/index" }, []));
  expect(JSON.parse(files.get("deep/key/package.json") ?? "")).toEqual({
    main: "../../dist/deep/key/index.js",
    types: "../../dist/deep/key/index.d.ts",
  });
});
