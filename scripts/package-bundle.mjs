import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, sep } from "node:path";
import { rolldown } from "rolldown";
import { entryPointFiles, listEntryPoints } from "./entry-point.mjs";
import { ROOT } from "./section.mjs";

/** Bundles every package in `packages/`. Only files that change are written, so that it may run while tests read them. */
export async function bundlePackages() {
  const packages = join(ROOT, "packages");
  const names = readdirSync(packages).filter((name) => existsSync(join(packages, name, "package.json")));
  await Promise.all(names.map((name) => bundlePackage(join(packages, name))));
}

/** How rolldown writes an export of the file that entry points share: V8 compiles each of these functions when an entry point loads. */
const GETTER =
  /^Object\.defineProperty\(exports, "(\w+)", \{\n\tenumerable: true,\n\tget: function\(\) \{\n\t\treturn ([\w$]+);\n\t\}\n\}\);$/gm;
/** What is not bundled: other packages, which npm installs. */
const EXTERNAL = /^(@ipc\/|@nats-io\/|commander$|node:)/;

/**
 * Bundles a package: its code in CommonJS, in one file that its entry points share, and ESM files that re-export it; and its code
 * in ESM, for bundlers, whose output in ESM cannot require a built-in module.
 * @param {string} folder
 */
async function bundlePackage(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (manifest.bin !== undefined) return bundleCommand(folder, manifest.bin);
  const entryPoints = listEntryPoints(manifest);
  const bundle = await rolldown({
    cwd: folder,
    input: Object.fromEntries(entryPoints.map(({ path }) => [path, `src/${path}.ts`])),
    external: EXTERNAL,
    platform: "node",
    tsconfig: false,
  });
  /** @type {(format: "cjs" | "esm", fileNames: string) => Promise<import("rolldown").RolldownOutput>} */
  const generate = (format, fileNames) =>
    bundle.generate({
      dir: "dist",
      format,
      // Modules are strict, and a CommonJS file is not by itself.
      strict: true,
      // The names that a package exports are never assigned again.
      externalLiveBindings: false,
      comments: false,
      // V8 keeps a file with one other character in two bytes for each of its characters.
      charset: "ascii",
      sourcemap: true,
      // They are published beside dist.
      sourcemapExcludeSources: true,
      entryFileNames: fileNames,
      chunkFileNames: fileNames,
      // Node.js reads a file that ESM imports by name from end to end, in JavaScript. So an entry point has names only.
      codeSplitting: { groups: [{ name: "bundle", test: () => true }] },
    });
  const { output } = await generate("cjs", "[name].js");
  const forBundlers = await generate("esm", "esm/[name].mjs");
  await bundle.close();

  const exported = new Map(output.map((file) => [file.fileName, file.type === "chunk" ? file.exports : []]));
  const files = new Map([
    ...[...output, ...forBundlers.output].map(
      (file) => /** @type {const} */ ([`dist/${file.fileName}`, contentOf(file)]),
    ),
    ...entryPoints.flatMap((entryPoint) => entryPointFiles(entryPoint, exported.get(`${entryPoint.path}.js`) ?? [])),
  ]);
  writeDist(folder, files);
}

/**
 * Bundles the programs of a package in CommonJS, which starts faster than ESM. What they import dynamically is in files of its own.
 * @param {string} folder
 * @param {Readonly<Record<string, string>>} programs `dist/ipc.js` by its name
 */
async function bundleCommand(folder, programs) {
  const names = Object.values(programs).map((file) => file.replace(/^\.\/dist\/|\.js$/g, ""));
  const bundle = await rolldown({
    cwd: folder,
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    external: EXTERNAL,
    platform: "node",
    tsconfig: false,
  });
  const { output } = await bundle.generate({
    dir: "dist",
    format: "cjs",
    strict: true,
    externalLiveBindings: false,
    comments: false,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  });
  await bundle.close();
  writeDist(folder, new Map(output.map((file) => [`dist/${file.fileName}`, contentOf(file)])));
  for (const name of names) chmodSync(join(folder, "dist", `${name}.js`), 0o755);
}

/**
 * Writes the files of a package that have changed, and removes those of an earlier build.
 * @param {string} folder
 * @param {ReadonlyMap<string, string>} files by path in the package
 */
function writeDist(folder, files) {
  // The package is of ESM sources, dist of CommonJS files and declarations.
  const all = new Map([...files, ["dist/package.json", '{ "type": "commonjs" }\n']]);
  for (const [path, content] of all) writeChanged(join(folder, path), content);
  removeOthers(folder, all);
}

/** @param {import("rolldown").OutputChunk | import("rolldown").OutputAsset} file */
function contentOf(file) {
  // The getters end the file, so that its source map stays right; what they return is never assigned again.
  return file.type === "chunk" ? file.code.replace(GETTER, "exports.$1 = $2;") : String(file.source);
}

/**
 * @param {string} path
 * @param {string} content
 */
function writeChanged(path, content) {
  if (existsSync(path) && readFileSync(path, "utf8") === content) return;
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, content);
  renameSync(unfinished, path);
}

/**
 * Removes from `dist` what an earlier build left there. The compiler's declarations stay where they have a source.
 * @param {string} folder
 * @param {ReadonlyMap<string, string>} files
 */
function removeOthers(folder, files) {
  for (const entry of readdirSync(join(folder, "dist"), { recursive: true, withFileTypes: true })) {
    const absolute = join(entry.parentPath, entry.name);
    const path = absolute.slice(folder.length + 1).replaceAll(sep, "/");
    if (entry.isDirectory() || files.has(path) || path === "dist/.tsbuildinfo") continue;
    const source = path.replace(/^dist\//, "src/").replace(/\.d\.ts(\.map)?$/, ".ts");
    if (source !== path && existsSync(join(folder, source))) continue;
    rmSync(absolute, { force: true });
    // The compiler writes again only what its record does not have. A source that is away on one branch may come back on another.
    if (source !== path) rmSync(join(folder, "dist", ".tsbuildinfo"), { force: true });
  }
}
