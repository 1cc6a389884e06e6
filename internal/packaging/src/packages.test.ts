import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "./project.js";
import { documentedSize, measureSize, type Size } from "./size.js";
import { findTarball, packAll, ROOT } from "./tarball.js";

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

const SIZE_TOLERANCE = 0.25;
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

describe.each(readdirSync(join(ROOT, "packages")))("the tarball of @ipc/%s", (name) => {
  test("is well formed (publint)", async () => {
    await execa("publint", ["run", await findTarball(tarballs, name), "--strict"], BIN);
  });

  test("has types and code that every resolution finds, each in its format (attw)", async () => {
    await execa("attw", [await findTarball(tarballs, name), "--profile", "strict", "--no-definitely-typed"], BIN);
  });

  test("brings its code, its source and the licence, and no tests or build records", async () => {
    const { stdout } = await execa("tar", ["-tzf", await findTarball(tarballs, name)]);
    const files = stdout.split("\n").map((file) => file.replace(/^package\//, ""));
    const formats = ["js", "mjs", "d.ts", "d.mts"].map((ending) => `dist/index.${ending}`);
    const wanted = [...formats, "dist/index.d.ts.map", "src/index.ts", "LICENSE", "README.md"];
    expect(wanted.filter((file) => !files.includes(file))).toEqual([]);
    expect(files.filter((file) => /^dist\/.*\.js\.map$/.test(file))).toHaveLength(1);
    expect(files.filter((file) => /\.test\.|tsbuildinfo/.test(file))).toEqual([]);
  });

  test("runs nothing when it is installed", async () => {
    const { stdout } = await execa("tar", ["-xzOf", await findTarball(tarballs, name), "package/package.json"]);
    const scripts = Object.keys(JSON.parse(stdout).scripts);
    expect(scripts.filter((script) => /^(pre|post)?(install|prepare)$/.test(script))).toEqual([]);
  });
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

  test("gets about as many bytes as docs/NODE.md says", async () => {
    const size = await measureSize(project.folder, tarballs, [consumer.uses, ...consumer.dependencies]);
    const documented = await documentedSize(consumer.uses);
    const isAbout = (bytes: number, said: number): boolean => Math.abs(bytes / said - 1) <= SIZE_TOLERANCE;
    expect(size).toSatisfy(
      ({ tarballs, installed, bundled }: Size) =>
        isAbout(tarballs, documented.tarballs) &&
        isAbout(installed, documented.installed) &&
        isAbout(bundled, documented.bundled),
      `the sizes of docs/NODE.md, ${JSON.stringify(documented)}, ± 25 %`,
    );
  });

  test("runs as plain JavaScript", async () => {
    await project.node("consumer.mjs");
  });
});
