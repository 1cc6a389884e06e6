import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa, type Options } from "execa";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { copyForRelease, packAll, SAMPLE_REPOSITORY } from "../../../scripts/release-copy.mjs";
import { clientOf, listSnippets, type Snippet, titleOf } from "../../docs/src/snippet.js";
import { ROOT } from "../src/tarball.js";
import { LocalRegistry } from "./local-registry.js";
import { PeerProcess } from "./peer-process.js";

const NAMES = [
  "cli",
  "client",
  "crypto",
  "framing",
  "manager",
  "rpc",
  "server",
  "session",
  "transport",
  "transport-nats",
].map((name) => `@ipc/${name}`);
const TIMEOUT_MS = 240_000;
/** Far above the time of an example, most of which is the start of two processes. */
const EXAMPLE_TIMEOUT_MS = 60_000;

/** Stands in the place of the GitHub CLI: keeps its arguments, and makes the tag, as `gh release create TAG … --target COMMIT` does. */
const GITHUB_CLI = `#!/usr/bin/env node
const { execFileSync } = require("node:child_process");
const { appendFileSync } = require("node:fs");
const args = process.argv.slice(2);
appendFileSync(process.argv[1] + ".json", JSON.stringify(args) + "\\n");
execFileSync("git", ["tag", args[2], args[args.indexOf("--target") + 1]]);
`;

let folder: string;
/** A copy of the workspace, in which the version changes. */
let copy: string;
/** A user's project. */
let project: string;
/** Has the programs that the release finds on its PATH. */
let programs: string;
let tarballs: string;
let bill: string;
let registry: LocalRegistry;
let version: string;
let published: string;
/** What `release-pending` said: before anything was published, and before git had the tag. */
const pending: Output[] = [];

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the release as its workflow does. @throws Error with its output, when it fails */
async function run(command: string, args: readonly string[], cwd: string): Promise<Output> {
  const path = [programs, join(ROOT, "node_modules", ".bin"), process.env["PATH"]].join(delimiter);
  const env = { ...registry.env, PATH: path, CI: "true", NO_COLOR: "1", FORCE_COLOR: "0", GITHUB_OUTPUT: "" };
  const options = { cwd, env, timeout: TIMEOUT_MS, stdin: "ignore" } as const satisfies Options;
  const { stdout, stderr } = await execa(command, args, options);
  return { stdout, stderr };
}

/** Runs a script of the release on the copy. */
function runScript(name: string, ...args: string[]): Promise<Output> {
  return run(process.execPath, [join(ROOT, "scripts", name), copy, ...args], folder);
}

async function commitAll(message: string): Promise<void> {
  await run("git", ["add", "--all"], copy);
  const author = ["-c", "user.name=release", "-c", "user.email=release@localhost", "-c", "commit.gpgsign=false"];
  await run("git", [...author, "commit", "--quiet", "--message", message], copy);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipc-release-"));
  [copy, project] = [join(folder, "copy"), join(folder, "project")];
  [programs, tarballs, bill] = [join(folder, "programs"), join(folder, "tarballs"), join(folder, "sbom.cdx.json")];
  await Promise.all([copy, project, programs, tarballs].map((each) => mkdir(each)));
  await writeFile(join(programs, "gh"), GITHUB_CLI, { mode: 0o755 });
  registry = await LocalRegistry.start(folder);
  await copyForRelease(copy);
  await writeFile(join(copy, ".gitignore"), "node_modules/\n");
  // Also when every change has been released.
  const change = "A dry release, with [a link](../../docs/WIRE.md#frames).";
  await writeFile(join(copy, ".changeset", "dry-release.md"), `---\n"@ipc/client": patch\n---\n\n${change}\n`);
  await run("git", ["init", "--quiet", "--initial-branch=main"], copy);
  await commitAll("before");
  await run("changeset", ["version"], copy);
  await commitAll("version");
  ({ version } = await readManifest(join(copy, "packages", "client")));
  pending.push(await runScript("release-pending.mjs"));
  await packAll(tarballs, { root: copy });
  // An earlier run that stopped half-way.
  await run("npm", ["publish", join(tarballs, `ipc-crypto-${version}.tgz`)], folder);
  published = (await runScript("release-publish.mjs", tarballs)).stdout;
  pending.push(await runScript("release-pending.mjs"));
  await runScript("sbom.mjs", bill);
  await runScript("release-tag.mjs", bill);
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", ...NAMES, "--no-audit", "--no-fund"], project);
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

async function readManifest(path: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(path, "package.json"), "utf8"));
}

describe("a dry release", () => {
  test("gives all packages one new version, and each a changelog whose links are absolute", async () => {
    expect(version).not.toBe((await readManifest(join(ROOT, "packages", "client"))).version);
    for (const name of NAMES) {
      const installed = join(project, "node_modules", name);
      const manifest = await readManifest(installed);
      expect(manifest.version).toBe(version);
      const ours = Object.entries(manifest.dependencies ?? {}).filter(([other]) => other.startsWith("@ipc/"));
      expect(ours.filter(([, range]) => range !== version)).toEqual([]);
      expect(await readFile(join(installed, "CHANGELOG.md"), "utf8")).toContain(`# ${name}\n\n## ${version}\n`);
    }
    expect(await readFile(join(project, "node_modules", "@ipc", "client", "CHANGELOG.md"), "utf8")).toContain(
      `[a link](${SAMPLE_REPOSITORY}/blob/main/docs/WIRE.md#frames)`,
    );
  });

  test("publishes each package that the registry misses, after those that it depends on", async () => {
    const lines = published.split("\n");
    const order = lines.map((line) => line.replace(/^(npm has|published) (@ipc\/[\w-]+)@.*/, "$2"));
    expect([...order].sort()).toEqual(NAMES);
    for (const name of NAMES) {
      const { dependencies = {} } = await readManifest(join(project, "node_modules", name));
      const later = Object.keys(dependencies).filter((other) => order.indexOf(other) > order.indexOf(name));
      expect({ name, later }).toEqual({ name, later: [] });
    }
    expect(lines.filter((line) => line.startsWith("npm has"))).toEqual([`npm has @ipc/crypto@${version}`]);
    const again = (await runScript("release-publish.mjs", tarballs)).stdout;
    expect(again.split("\n").sort()).toEqual(NAMES.map((name) => `npm has ${name}@${version}`).sort());
  });

  test("is pending until npm has every package and git the tag", async () => {
    pending.push(await runScript("release-pending.mjs"));
    expect(pending.map(({ stdout }) => stdout)).toEqual(["pending=true", "pending=true", "pending=false"]);
    const [before, untagged, complete] = pending.map(({ stderr }) => stderr);
    for (const name of NAMES) expect(before).toContain(`${name}@${version} on npm`);
    expect([untagged, complete]).toEqual([`missing: the tag v${version}`, ""]);
  });

  test("has one tag and one release on GitHub, with the bill of materials and a link to each changelog", async () => {
    const commit = (await run("git", ["rev-parse", "HEAD"], copy)).stdout;
    expect((await run("git", ["tag", "--format=%(refname:short) %(objectname)"], copy)).stdout).toBe(
      `v${version} ${commit}`,
    );
    expect((await runScript("release-tag.mjs", bill)).stdout).toBe(`git has v${version}`);
    const [args, ...others] = (await readFile(join(programs, "gh.json"), "utf8")).trimEnd().split("\n");
    expect(others).toEqual([]);
    const [notes, ...options] = (JSON.parse(args ?? "") as string[]).reverse();
    expect(options.reverse()).toEqual([
      "release",
      "create",
      `v${version}`,
      bill,
      "--target",
      commit,
      "--title",
      `v${version}`,
      "--notes",
    ]);
    for (const name of NAMES) {
      const path = `blob/v${version}/packages/${name.replace("@ipc/", "")}/CHANGELOG.md`;
      expect(notes?.split("\n")).toContain(`- [${name}](${SAMPLE_REPOSITORY}/${path})`);
    }
  });

  test("is not made of packages that have changed since they got the version", async () => {
    const commit = (await run("git", ["rev-parse", "HEAD"], copy)).stdout;
    await run("git", ["tag", "--delete", `v${version}`], copy);
    await writeFile(join(copy, "other.md"), "Not a package.\n");
    await commitAll("outside of the packages");
    expect((await runScript("release-pending.mjs")).stdout).toBe("pending=true");
    await appendFile(join(copy, "packages", "client", "README.md"), "\nMore.\n");
    await commitAll("in a package");
    const { stdout, stderr } = await runScript("release-pending.mjs");
    expect(stdout).toBe("pending=false");
    expect(stderr).toContain(
      `::warning::${version} came with ${commit}, and packages/ has changed since; run the release`,
    );
  });

  test("has a bill of materials of our packages, of what the command needs, and of nothing else", async () => {
    const { bomFormat, components } = JSON.parse(await readFile(bill, "utf8")) as {
      readonly bomFormat: string;
      readonly components: readonly { readonly purl: string; readonly hashes: readonly unknown[] }[];
    };
    expect(bomFormat).toBe("CycloneDX");
    const [ours, others] = [/^pkg:npm\/%40ipc\//, /^pkg:npm\/commander@14\./].map((pattern) =>
      components.map(({ purl }) => purl).filter((purl) => pattern.test(purl)),
    );
    expect(ours?.sort()).toEqual(NAMES.map((name) => `pkg:npm/${name.replace("@", "%40")}@${version}`).sort());
    expect(others).toHaveLength(1);
    expect(components).toHaveLength(NAMES.length + 1);
    expect(components.filter(({ hashes }) => hashes.length === 0)).toEqual([]);
  });
});

describe("an example of a README, with the packages from the registry,", () => {
  const snippets = listSnippets().filter(({ fence }) => /(?:^|\/)README\.md$/.test(fence.document));
  const programs = snippets.filter(({ role }) => role === "run" || role === "server");

  test.each(programs.map((program) => [titleOf(program.fence), program] as const))(
    "prints what %s says",
    async (_title, program) => {
      // Another run of these tests may use /tmp at the same time.
      const tag = folder.slice(folder.lastIndexOf("-"));
      // Has the key files.
      const env = { XDG_RUNTIME_DIR: project };
      const write = ({ file, fence }: Snippet): Promise<void> =>
        writeFile(join(project, file), fence.code.replaceAll(/(?<=name: )"(\w+)"/g, `"$1${tag}"`));
      let main = program;
      await write(program);
      if (program.role === "server") {
        main = clientOf(program, snippets);
        await write(main);
        const output = join(project, `${program.file}.output`);
        const serving = new PeerProcess([process.execPath, program.file], project, output, env);
        onTestFinished(async () => {
          await serving.kill();
          // The files that a killed server leaves.
          const left = (await readdir("/tmp")).filter((file) => file.includes(tag) && file.endsWith(".sock"));
          for (const file of left) await rm(join("/tmp", file), { force: true });
        });
      }
      const options = { cwd: project, env, timeout: EXAMPLE_TIMEOUT_MS, stripFinalNewline: false } as const;
      const { stdout, stderr } = await execa(process.execPath, [main.file], options);
      expect({ stdout, stderr }).toEqual({ stdout: main.prints, stderr: "" });
    },
  );
});
