import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { ARROWS, arrowsOf, FOLDER_ARROWS } from "./arrows.js";
import { listImports, type ModuleImport } from "./import-list.js";
import { entryPointsOf, filesUnder, foldersIn, isCommand, readManifest, readText } from "./source-tree.js";

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
/** The package of a specifier such as `@ipc/session/internal`. */
const packageOf = (specifier: string): string => specifier.split("/").slice(0, 2).join("/");
const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort();

test("the table of arrows has a row for each package and no other", () => {
  expect(Object.keys(ARROWS).sort()).toEqual(foldersIn("packages"));
});

describe.each(foldersIn("packages"))("%s", (name) => {
  const arrows = arrowsOf(name);
  const imports = importsOf(name, (file) => !isTest(file));
  const ours = imports.filter(({ specifier }) => specifier.startsWith("@ipc"));

  test("depends at run time on the packages of its row and on nothing else", () => {
    const { dependencies = {}, peerDependenciesMeta = {} } = readManifest(`packages/${name}`);
    const required = (arrows.foreign ?? []).filter((other) => peerDependenciesMeta[other]?.optional !== true);
    const ours = packageNames([...arrows.runtime, ...arrows.typesOnly]);
    expect(Object.keys(dependencies).sort()).toEqual([...ours, ...required].sort());
    if (!isCommand(name)) expect(required).toEqual([]);
  });

  test("refers in its tsconfig.json to the packages of its row", () => {
    const { references = [] } = JSON.parse(readText(`packages/${name}/tsconfig.json`));
    const paths = references.map((reference: { path: string }) => reference.path);
    expect(paths.sort()).toEqual([...arrows.runtime, ...arrows.typesOnly].map((other) => `../${other}`).sort());
  });

  test("loads at run time exactly the packages of its row", () => {
    const loaded = ours.filter(({ typeOnly }) => !typeOnly).map(({ specifier }) => packageOf(specifier));
    expect(sorted(loaded)).toEqual(packageNames(arrows.runtime));
  });

  test("takes types from the packages of its row only", () => {
    const typed = sorted(ours.filter(({ typeOnly }) => typeOnly).map(({ specifier }) => packageOf(specifier)));
    expect(packageNames([...arrows.runtime, ...arrows.typesOnly])).toEqual(expect.arrayContaining(typed));
    expect(typed).toEqual(expect.arrayContaining(packageNames(arrows.typesOnly)));
  });

  test("imports nothing else than the built-ins of its row, written node:…, and its own files", () => {
    const own = `packages/${name}/src/`;
    const isAllowed = ({ specifier, file }: Found): boolean => {
      if (specifier.startsWith("@ipc/") || arrows.foreign?.includes(specifier)) return true;
      if (specifier.startsWith("node:")) return arrows.builtins.includes(specifier.slice("node:".length));
      return specifier.startsWith(".") && posix.join(posix.dirname(file), specifier).startsWith(own);
    };
    expect(imports.filter((found) => !isAllowed(found))).toEqual([]);
  });

  test("is tested through its own source and the other packages' entry points", () => {
    const own = `packages/${name}/`;
    const isAllowed = ({ specifier, file }: Found): boolean => {
      if (!specifier.startsWith("."))
        return (
          isBuiltin(specifier) || /^(vitest|fast-check|zod|@ipc(-internal)?\/[a-z-]+(\/[a-z-]+)?)$/.test(specifier)
        );
      const path = posix.join(posix.dirname(file), specifier);
      return path.startsWith(own) || path.startsWith("internal/");
    };
    expect(importsOf(name, isTest).filter((found) => !isAllowed(found))).toEqual([]);
  });
});

describe.each(Object.entries(FOLDER_ARROWS))("the folders of %s", (name, rows) => {
  const root = `packages/${name}/src`;
  const folderOf = (file: string): string => {
    const [folder, ...rest] = posix.relative(root, file).split("/");
    return rest.length === 0 || folder === undefined ? "." : folder;
  };
  // A list of names, as opposed to a file that also has code of its own.
  const isEntryPoint = (file: string): boolean =>
    entryPointsOf(name).includes(posix.relative(root, file)) &&
    (isCommand(name) || /\/(index|internal)\.ts$/.test(file));
  const arrows = importsOf(name, (file) => !isTest(file) && !isEntryPoint(file))
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ file, specifier }) => ({
      from: folderOf(file),
      to: folderOf(posix.join(posix.dirname(file), specifier)),
      file,
      specifier,
    }))
    .filter(({ from, to }) => from !== to);

  test("each have a row, and each row is a folder", () => {
    expect(Object.keys(rows).sort()).toEqual(foldersIn(root));
  });

  test("import from the folders of their row only", () => {
    expect(arrows.filter(({ from, to }) => !rows[from]?.includes(to))).toEqual([]);
  });

  test("import from every folder of their row", () => {
    const found = sorted(arrows.map(({ from, to }) => `${from} -> ${to}`));
    expect(sorted(Object.entries(rows).flatMap(([from, tos]) => tos.map((to) => `${from} -> ${to}`)))).toEqual(found);
  });

  test("import from folders of earlier rows only, so that there is no cycle", () => {
    const order = [".", ...Object.keys(rows)];
    const isLater = (from: string, to: string): boolean => order.indexOf(to) >= order.indexOf(from);
    expect(Object.entries(rows).flatMap(([from, tos]) => tos.filter((to) => isLater(from, to)))).toEqual([]);
  });
});

describe.each(Object.entries(FOLDER_ARROWS))("the folder table of %s in docs/ARCHITECTURE.md", (name, rows) => {
  const table =
    readText("docs/ARCHITECTURE.md").split(`| folder of \`packages/${name}/src\``)[1]?.split("\n\n")[0] ?? "";
  const documented = [...table.matchAll(/^\| `([^`]+)\/` \|.*\| ([^|]*?) ?\|$/gm)].map(([, folder, imports]) => [
    folder,
    imports,
  ]);

  test("has the rows of the folder arrows", () => {
    const names = (folders: readonly string[]): string =>
      folders.map((folder) => (folder === "." ? "root" : folder)).join(", ");
    expect(documented).toEqual(Object.entries(rows).map(([folder, imports]) => [folder, names(imports)]));
  });
});

test("packages whose source has folders have a table of folder arrows", () => {
  const withFolders = foldersIn("packages").filter((name) => foldersIn(`packages/${name}/src`).length > 0);
  expect(Object.keys(FOLDER_ARROWS).sort()).toEqual(withFolders);
});

test.each(foldersIn("packages"))("no file of %s imports itself through others", (name) => {
  const files = filesUnder(`packages/${name}/src`, [".ts"]).filter((file) => !isTest(file));
  const targets = new Map(
    files.map((file) => [
      file,
      listImports(file, readText(file))
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts")),
    ]),
  );
  const reaches = (start: string): boolean => {
    const seen = new Set<string>();
    const pending = [...(targets.get(start) ?? [])];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (at === start) return true;
      if (seen.has(at)) continue;
      seen.add(at);
      pending.push(...(targets.get(at) ?? []));
    }
    return false;
  };
  expect(files.filter(reaches)).toEqual([]);
});
