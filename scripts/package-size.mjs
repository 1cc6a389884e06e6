import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);

/** The first client of README.md. */
const CLIENT = /^```js client\.mjs\n(.*?)^```$/ms;

/** The row of that program. */
const CLIENT_ROW = "a typical client";

/**
 * Bytes. Tarballs and installed: of a package with everything that it depends on. Minified and gzipped: of the bundle.
 * @typedef {{ tarballs: number, installed: number, minified: number, gzipped: number }} Size
 */

/**
 * Measures the packed packages: each one with all that it exports, and a typical client with what its bundler keeps of them.
 * @param {string} tarballs the folder that has them
 * @returns {Promise<Map<string, Size>>} by name, `@ipc/client`
 */
export async function measureSizes(tarballs) {
  const folder = await mkdtemp(join(tmpdir(), "ipc-sizes-"));
  try {
    const packages = await unpack(tarballs, join(folder, "node_modules", "@ipc"));
    /** @type {Map<string, Size>} */
    const sizes = new Map();
    /** @type {(name: string, program: string) => Promise<Size>} */
    const measure = async (name, program) => {
      const all = [...closureOf(name, packages)].map((each) => packages.get(each));
      const sum = (/** @type {"packed" | "unpacked"} */ which) =>
        all.reduce((total, one) => total + (one?.[which] ?? 0), 0);
      return { tarballs: sum("packed"), installed: sum("unpacked"), ...(await bundle(folder, program)) };
    };
    for (const name of [...packages.keys()].sort()) sizes.set(name, await measure(name, `export * from "${name}";`));
    const [, client = ""] = CLIENT.exec(await readFile(join(ROOT, "README.md"), "utf8")) ?? [];
    return sizes.set(CLIENT_ROW, await measure("@ipc/client", client));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @typedef {{ packed: number, unpacked: number, dependencies: string[] }} Unpacked
 * @param {string} tarballs
 * @param {string} scope the folder that gets them
 */
async function unpack(tarballs, scope) {
  /** @type {Map<string, Unpacked>} */
  const packages = new Map();
  for (const file of await readdir(tarballs)) {
    const [, name = ""] = /^ipc-([a-z-]+)-\d.*\.tgz$/.exec(file) ?? [];
    const folder = join(scope, name);
    await mkdir(folder, { recursive: true });
    await run("tar", ["-xzf", join(tarballs, file), "-C", folder, "--strip-components=1"]);
    const { bin, dependencies = {} } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    // A command is not part of a bundle.
    if (bin !== undefined) continue;
    packages.set(`@ipc/${name}`, {
      packed: (await stat(join(tarballs, file))).size,
      unpacked: await bytesOf(folder),
      dependencies: Object.keys(dependencies),
    });
  }
  return packages;
}

/** @param {string} folder */
async function bytesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)));
  return (await Promise.all(files)).reduce((total, { size }) => total + size, 0);
}

/**
 * The package and everything that it depends on.
 * @param {string} name
 * @param {ReadonlyMap<string, Unpacked>} packages
 * @param {Set<string>} [found]
 */
function closureOf(name, packages, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const dependency of packages.get(name)?.dependencies ?? []) closureOf(dependency, packages, found);
  return found;
}

/**
 * @param {string} folder
 * @param {string} program
 */
async function bundle(folder, program) {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    write: false,
    logLevel: "silent",
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: code.length, gzipped: gzipSync(code, { level: 9 }).length };
}
