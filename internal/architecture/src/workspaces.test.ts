import { posix } from "node:path";
import { expect, test } from "vitest";
import { listImports } from "./import-list.js";
import { filesUnder, foldersIn, isCommand, isFile, readManifest, readText } from "./source-tree.js";

interface TypeScriptConfig {
  readonly compilerOptions: { readonly noEmit?: boolean; readonly emitDeclarationOnly?: boolean };
  readonly references?: readonly { readonly path: string }[];
}

interface TurboConfig {
  readonly tasks: { readonly test: { readonly inputs: readonly string[] } };
}

const workspaces = ["packages", "internal", "apps"]
  .filter((parent) => foldersIn(".").includes(parent))
  .flatMap((parent) => foldersIn(parent).map((folder) => `${parent}/${folder}`))
  .filter((folder) => isFile(`${folder}/package.json`));
const compiled = workspaces.filter(
  (folder) =>
    isFile(`${folder}/tsconfig.json`) &&
    !readConfig<TypeScriptConfig>(`${folder}/tsconfig.json`).compilerOptions.noEmit,
);
const published = workspaces.filter((folder) => folder.startsWith("packages/"));
const [libraries, commands] = [false, true].map((wanted) =>
  published.filter((folder) => isCommand(posix.basename(folder)) === wanted),
) as [string[], string[]];

/** Every workspace's tests may use these without naming them as inputs: turbo.json does. */
const SHARED_BY_TESTS = "internal/testkit/src/";
/** Their tests are never cached, because they read the whole workspace. */
const UNCACHED = ["internal/architecture", "internal/docs", "internal/packaging"];

function readConfig<T>(path: string): T {
  return JSON.parse(readText(path));
}

function referencesOf(path: string): string[] {
  const { references = [] } = readConfig<TypeScriptConfig>(path);
  return references.map((reference) => posix.join(posix.dirname(path), reference.path));
}

test.each(workspaces)("%s is named after its folder, and private unless it is for users", (folder) => {
  const { name, private: isPrivate = false } = readManifest(folder);
  const isPublished = published.includes(folder);
  expect(name).toBe(`${isPublished ? "@ipc" : "@ipc-internal"}/${posix.basename(folder)}`);
  expect(isPrivate).toBe(!isPublished);
});

test("tsconfig.build.json refers to each compiled workspace", () => {
  expect(referencesOf("tsconfig.build.json").sort()).toEqual([...compiled].sort());
});

test.each(workspaces)("%s has the scripts build and test if turbo can run them there", (folder) => {
  const { build, test } = readManifest(folder).scripts ?? {};
  const hasTests = filesUnder(folder, [".test.ts"]).length > 0;
  const compile = published.includes(folder) ? "node ../../scripts/bundle.mjs && tsc -b" : "tsc -b";
  expect(build).toBe(compiled.includes(folder) ? compile : undefined);
  expect(test).toBe(hasTests ? `vitest run --root ../.. ${folder}/` : undefined);
});

test.each(commands)("%s has programs that Node.js starts, and nothing to import", (folder) => {
  const { main, types, bin = {}, exports = {}, files = [] } = readManifest(folder);
  expect({ main, types, exports: Object.keys(exports) }).toEqual({
    main: undefined,
    types: undefined,
    exports: ["./package.json"],
  });
  expect(files).toContain("dist");
  for (const program of Object.values(bin)) {
    expect(readText(posix.join(folder, program)).split("\n")[0]).toBe("#!/usr/bin/env node");
  }
});

test.each(libraries)("%s can be imported, required, and found by resolvers that do not read exports", (folder) => {
  const { main, types, exports = {}, files = [] } = readManifest(folder);
  expect({ main, types }).toEqual({ main: "./dist/index.js", types: "./dist/index.d.ts" });
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === "string") continue;
    const path = target.require.default.replace(/\.js$/, "");
    expect(target).toEqual({
      module: { types: `${path}.d.mts`, default: `${path.replace("/dist/", "/dist/esm/")}.mjs` },
      import: { types: `${path}.d.mts`, default: `${path}.mjs` },
      require: { types: `${path}.d.ts`, default: `${path}.js` },
    });
    expect(files).toContain(subpath === "." ? "dist" : subpath.slice(2));
  }
  expect(readConfig<TypeScriptConfig>(`${folder}/tsconfig.json`).compilerOptions.emitDeclarationOnly).toBe(true);
});

test.each(compiled)("%s depends on each workspace that its tsconfig.json refers to, so that turbo knows", (folder) => {
  const { dependencies = {} } = readManifest(folder);
  const referred = referencesOf(`${folder}/tsconfig.json`).map((other) => readManifest(other).name);
  expect(referred.filter((name) => !(name in dependencies))).toEqual([]);
});

test.each(workspaces.filter((folder) => !UNCACHED.includes(folder)))(
  "%s names files of other workspaces that its code imports as inputs of its tests",
  (folder) => {
    const config = `${folder}/turbo.json`;
    const inputs = isFile(config) ? readConfig<TurboConfig>(config).tasks.test.inputs : [];
    const outside = filesUnder(folder, [".ts"])
      .flatMap((file) =>
        listImports(file, readText(file))
          .filter(({ specifier }) => specifier.startsWith("."))
          .map(({ specifier }) => posix.join(posix.dirname(file), specifier).replace(/js$/, "ts")),
      )
      .filter((path) => !path.startsWith(`${folder}/`) && !path.startsWith(SHARED_BY_TESTS));
    expect(outside.filter((path) => !inputs.includes(`$TURBO_ROOT$/${path}`))).toEqual([]);
  },
);

test("the pnpm that turbo calls is the one that the scripts pin", () => {
  const { packageManager, devDependencies } = JSON.parse(readText("package.json"));
  expect(packageManager).toBe(`pnpm@${devDependencies.pnpm}`);
});
