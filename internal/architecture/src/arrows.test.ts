import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { ARROWS, arrowsOf } from "./arrows.js";
import { listImports, type ModuleImport } from "./import-list.js";
import { filesUnder, foldersIn, readManifest, readText } from "./source-tree.js";

interface Found extends ModuleImport {
  readonly file: string;
}

function importsOf(name: string, isWanted: (file: string) => boolean): Found[] {
  return filesUnder(`packages/${name}/src`, [".ts"])
    .filter(isWanted)
    .flatMap((file) => listImports(file, readText(file)).map((found) => ({ ...found, file })));
}

const isTest = (file: string): boolean => file.endsWith(".test.ts");
const packageNames = (names: readonly string[]): string[] => names.map((name) => `@ipc/${name}`).sort();
const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort();

test("the table of arrows has a row for each package and no other", () => {
  expect(Object.keys(ARROWS).sort()).toEqual(foldersIn("packages"));
});

describe.each(foldersIn("packages"))("%s", (name) => {
  const arrows = arrowsOf(name);
  const imports = importsOf(name, (file) => !isTest(file));
  const ours = imports.filter(({ specifier }) => specifier.startsWith("@ipc"));

  test("depends at run time on the packages of its row and on nothing else", () => {
    const { dependencies = {} } = readManifest(`packages/${name}`);
    expect(Object.keys(dependencies).sort()).toEqual(packageNames([...arrows.runtime, ...arrows.typesOnly]));
  });

  test("refers in its tsconfig.json to the packages of its row", () => {
    const { references = [] } = JSON.parse(readText(`packages/${name}/tsconfig.json`));
    const paths = references.map((reference: { path: string }) => reference.path);
    expect(paths.sort()).toEqual([...arrows.runtime, ...arrows.typesOnly].map((other) => `../${other}`).sort());
  });

  test("loads at run time exactly the packages of its row", () => {
    const loaded = ours.filter(({ typeOnly }) => !typeOnly).map(({ specifier }) => specifier);
    expect(sorted(loaded)).toEqual(packageNames(arrows.runtime));
  });

  test("takes types from the packages of its row only", () => {
    const typed = sorted(ours.filter(({ typeOnly }) => typeOnly).map(({ specifier }) => specifier));
    expect(packageNames([...arrows.runtime, ...arrows.typesOnly])).toEqual(expect.arrayContaining(typed));
    expect(typed).toEqual(expect.arrayContaining(packageNames(arrows.typesOnly)));
  });

  test("imports nothing else than the built-ins of its row, written node:…, and its own files", () => {
    const own = `packages/${name}/src/`;
    const isAllowed = ({ specifier, file }: Found): boolean => {
      if (specifier.startsWith("@ipc/")) return true;
      if (specifier.startsWith("node:")) return arrows.builtins.includes(specifier.slice("node:".length));
      return specifier.startsWith(".") && posix.join(posix.dirname(file), specifier).startsWith(own);
    };
    expect(imports.filter((found) => !isAllowed(found))).toEqual([]);
  });

  test("is tested through its own source and the other packages' doors", () => {
    const own = `packages/${name}/`;
    const isAllowed = ({ specifier, file }: Found): boolean => {
      if (!specifier.startsWith("."))
        return isBuiltin(specifier) || /^(vitest|fast-check|@ipc(-internal)?\/[a-z-]+)$/.test(specifier);
      const path = posix.join(posix.dirname(file), specifier);
      return path.startsWith(own) || path.startsWith("internal/");
    };
    expect(importsOf(name, isTest).filter((found) => !isAllowed(found))).toEqual([]);
  });
});
