import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listEntryPoints } from "../../../scripts/entry-point.mjs";
import { measureSizes } from "../../../scripts/package-size.mjs";
import { packAll, SAMPLE_REPOSITORY } from "../../../scripts/release-copy.mjs";
import { releaseFields } from "../../../scripts/release-metadata.mjs";
import { complaintsOf, readTable } from "../../../scripts/size-table.mjs";
import { listLinks, worksOnNpm } from "./markdown-link.js";
import { Project } from "./project.js";
import { findTarball, listFiles, ROOT, readFromTarball } from "./tarball.js";

/** Folders of `consumers/` that use one package, and the ambient types that their authors have installed. */
const CONSUMERS = [
  { uses: "framing", dependencies: [], types: [] },
  { uses: "client", dependencies: ["crypto", "framing", "session", "transport"], types: ["node"] },
  {
    uses: "manager",
    dependencies: ["crypto", "framing", "server", "session", "transport"],
    types: ["node"],
  },
] as const;

const BIN = { preferLocal: true, localDir: import.meta.dirname };

let folder: string;
let tarballs: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipc-packaging-"));
  tarballs = join(folder, "tarballs");
  await mkdir(tarballs);
  await packAll(tarballs);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function readManifest(name: string): Promise<{ readonly scripts: Readonly<Record<string, string>> }> {
  return JSON.parse(await readFromTarball(await findTarball(tarballs, name), "package.json"));
}

const NAMES = readdirSync(join(ROOT, "packages"));
/** Packages with programs and nothing to import. */
const COMMANDS = NAMES.filter(
  (name) => "bin" in JSON.parse(readFileSync(join(ROOT, "packages", name, "package.json"), "utf8")),
);

describe.each(NAMES.filter((name) => !COMMANDS.includes(name)))("the tarball of the library @ipc/%s", (name) => {
  test("has types and code that every resolution finds, each in its format (attw)", async () => {
    const tarball = createPackageFromTarballData(await readFile(await findTarball(tarballs, name)));
    const analysis = await checkPackage(tarball);
    expect(analysis.types && analysis.problems).toEqual([]);
  });

  test("brings its code, its source and the licence, and no tests or build records", async () => {
    const files = await listFiles(await findTarball(tarballs, name));
    const formats = ["js", "mjs", "d.ts", "d.mts"].map((ending) => `dist/index.${ending}`);
    const wanted = [...formats, "dist/index.d.ts.map", "src/index.ts", "LICENSE", "README.md"];
    expect(wanted.filter((file) => !files.includes(file))).toEqual([]);
    expect(files.filter((file) => /^dist\/.*\.js\.map$/.test(file))).toHaveLength(1);
    expect(files.filter((file) => /\.test\.|tsbuildinfo/.test(file))).toEqual([]);
  });
});

describe.each(COMMANDS)("the tarball of the command @ipc/%s", (name) => {
  test("brings its programs and the licence, and nothing else than what they load", async () => {
    const files = await listFiles(await findTarball(tarballs, name));
    const others = files.filter((file) => !/^dist\/[a-z-]+\.js$/.test(file));
    expect(others.sort()).toEqual(["LICENSE", "README.md", "dist/package.json", "package.json"]);
  });
});

describe.each(NAMES)("the tarball of @ipc/%s", (name) => {
  test("is well formed (publint)", async () => {
    await execa("publint", ["run", await findTarball(tarballs, name), "--strict"], BIN);
  });

  test("has entry points without code of their own, which Node.js reads through for their names", async () => {
    const tarball = await findTarball(tarballs, name);
    const modules = (await listFiles(tarball)).filter((file) => /^dist\/(?!esm\/).*\.mjs$/.test(file));
    const texts = await Promise.all(modules.map((file) => readFromTarball(tarball, file.replace("mjs", "js"))));
    expect(texts.filter((text) => /\b(class|function)\b|=>/.test(text))).toEqual([]);
  });

  test("loads its files when it is imported, and runs no getter for its exports", async () => {
    const tarball = await findTarball(tarballs, name);
    const bundles = (await listFiles(tarball)).filter((file) => file === "dist/bundle.js");
    const texts = await Promise.all(bundles.map((file) => readFromTarball(tarball, file)));
    expect(texts.flatMap((text) => text.match(/^(?!let \w+ = require\().*\b(require|import)\(.*/gm) ?? [])).toEqual([]);
    expect(texts.flatMap((text) => text.match(/^Object\.defineProperty\(exports, ".*/gm) ?? [])).toEqual([]);
  });

  test("runs nothing when it is installed", async () => {
    const scripts = Object.keys((await readManifest(name)).scripts);
    expect(scripts.filter((script) => /^(pre|post)?(install|prepare)$/.test(script))).toEqual([]);
  });

  test("says where its source, its page and its issues are, and names versions of what it depends on", async () => {
    const manifest = await readManifest(name);
    expect(manifest).toMatchObject(releaseFields(`packages/${name}`, SAMPLE_REPOSITORY));
    expect(JSON.stringify(manifest)).not.toContain("workspace:");
  });

  test("has a README and a changelog whose links work on npm", async () => {
    const tarball = await findTarball(tarballs, name);
    const files = await listFiles(tarball);
    const documents = files.filter((file) => /^[A-Z]+\.md$/.test(file));
    const texts = await Promise.all(documents.map((file) => readFromTarball(tarball, file)));
    const links = texts.flatMap(listLinks);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !worksOnNpm(link, files, SAMPLE_REPOSITORY))).toEqual([]);
  });
});

test("the project that ESLint checks imports every entry point for users", async () => {
  const imports = readFileSync(join(import.meta.dirname, "../consumers/tools/imports.mjs"), "utf8");
  for (const name of readdirSync(join(ROOT, "packages"))) {
    const manifest = JSON.parse(readFileSync(join(ROOT, "packages", name, "package.json"), "utf8"));
    const specifiers = listEntryPoints(manifest).map(({ subpath }) => posix.join(manifest.name, subpath));
    const missing = specifiers.filter((each) => !each.endsWith("/internal") && !imports.includes(` from "${each}";`));
    expect(missing).toEqual([]);
  }
});

test("the packages and a typical client are as large as docs/NODE.md says", async () => {
  const documented = readTable(readFileSync(join(ROOT, "docs", "NODE.md"), "utf8"));
  expect(complaintsOf(documented, await measureSizes(tarballs))).toEqual([]);
});

describe.each(CONSUMERS)("a project that uses @ipc/$uses", (consumer) => {
  let project: Project;

  beforeAll(async () => {
    project = await Project.make(consumer.uses);
    await project.install("npm", [`@ipc/${consumer.uses}`], { type: "module" }, tarballs);
  });
  afterAll(() => project?.[Symbol.asyncDispose]());

  test("gets that package and its dependencies only", async () => {
    expect((await readdir(join(project.folder, "node_modules", "@ipc"))).sort()).toEqual(
      [consumer.uses, ...consumer.dependencies].sort(),
    );
  });

  test.each(["nodenext", "bundler"])("compiles with %s resolution, our declarations included", async (resolution) => {
    const module = resolution === "bundler" ? "esnext" : resolution;
    const own = { types: consumer.types, typeRoots: [join(ROOT, "node_modules", "@types")] };
    const checks = { lib: ["es2023"], strict: true, skipLibCheck: false, noEmit: true };
    const compilerOptions = { target: "es2023", module, moduleResolution: resolution, ...own, ...checks };
    await project.write("tsconfig.json", { compilerOptions, files: ["consumer.ts"] });
    await project.node(join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", ".");
  });

  test("runs as plain JavaScript", async () => {
    await project.node("consumer.mjs");
  });
});
