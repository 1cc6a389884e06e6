import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa, type Options } from "execa";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { copyForRelease, prepareRelease, SAMPLE_REPOSITORY } from "../../../scripts/release-copy.mjs";
import { clientOf, listSnippets, titleOf } from "../../docs/src/snippet.js";
import { ROOT } from "../src/tarball.js";
import { LocalRegistry } from "./local-registry.js";
import { PeerProcess } from "./peer-process.js";

const NAMES = ["client", "crypto", "framing", "manager", "rpc", "server", "session", "transport"].map(
  (name) => `@ipc/${name}`,
);
const TIMEOUT_MS = 240_000;
/** Far above the time of an example, most of which is the start of two processes. */
const EXAMPLE_TIMEOUT_MS = 60_000;

let folder: string;
/** A copy of the workspace, in which the version changes. */
let copy: string;
/** A user's project. */
let project: string;
let registry: LocalRegistry;
let pendingBefore: string;
let published: string;

/** Runs a command of the release as its workflow does. @throws Error with its output, when it fails */
async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const path = [join(ROOT, "node_modules", ".bin"), process.env["PATH"]].join(delimiter);
  const env = { ...registry.env, PATH: path, CI: "true", NO_COLOR: "1", FORCE_COLOR: "0" };
  const options = { cwd, env, timeout: TIMEOUT_MS, all: true, stdin: "ignore" } as const satisfies Options;
  return (await execa(command, args, options)).all;
}

/** Asks whether the registry misses a version. */
function askPending(): Promise<string> {
  return run(process.execPath, [join(ROOT, "scripts", "release-pending.mjs"), copy], folder);
}

async function commitAll(message: string): Promise<void> {
  await run("git", ["add", "--all"], copy);
  const author = ["-c", "user.name=release", "-c", "user.email=release@localhost", "-c", "commit.gpgsign=false"];
  await run("git", [...author, "commit", "--quiet", "--message", message], copy);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipc-release-"));
  [copy, project] = [join(folder, "copy"), join(folder, "project")];
  await Promise.all([copy, project].map((each) => mkdir(each)));
  registry = await LocalRegistry.start(folder);
  await copyForRelease(copy);
  await writeFile(join(copy, ".gitignore"), "node_modules/\n");
  // Also when every change has been released.
  await writeFile(join(copy, ".changeset", "dry-release.md"), '---\n"@ipc/client": patch\n---\n\nA dry release.\n');
  await run("git", ["init", "--quiet", "--initial-branch=main"], copy);
  await commitAll("before");
  await run("changeset", ["version"], copy);
  await commitAll("version");
  await prepareRelease(copy, SAMPLE_REPOSITORY);
  pendingBefore = await askPending();
  published = await run("changeset", ["publish"], copy);
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
  test("gives all packages one new version, and each a changelog", async () => {
    const { version } = await readManifest(join(copy, "packages", "client"));
    expect(version).not.toBe((await readManifest(join(ROOT, "packages", "client"))).version);
    for (const name of NAMES) {
      const installed = join(project, "node_modules", name);
      const manifest = await readManifest(installed);
      expect(manifest.version).toBe(version);
      expect(Object.values(manifest.dependencies ?? {}).filter((range) => range !== version)).toEqual([]);
      expect(await readFile(join(installed, "CHANGELOG.md"), "utf8")).toContain(`# ${name}\n\n## ${version}\n`);
    }
  });

  test("publishes every package once, with a tag for each", async () => {
    const { version } = await readManifest(join(copy, "packages", "client"));
    const releases = NAMES.map((name) => `${name}@${version}`);
    expect(published).toContain("packages published successfully");
    expect((await run("git", ["tag"], copy)).split("\n").sort()).toEqual(releases);
    expect([pendingBefore, await askPending()]).toEqual(["pending=true", "pending=false"]);
    expect(await run("changeset", ["publish"], copy)).toContain("No unpublished projects to publish");
  });

  test("has a bill of materials of our packages and nothing else", async () => {
    const file = join(folder, "sbom.cdx.json");
    await run(process.execPath, [join(ROOT, "scripts", "sbom.mjs"), copy, file], folder);
    const { bomFormat, components } = JSON.parse(await readFile(file, "utf8")) as {
      readonly bomFormat: string;
      readonly components: readonly { readonly purl: string; readonly hashes: readonly unknown[] }[];
    };
    const { version } = await readManifest(join(copy, "packages", "client"));
    expect(bomFormat).toBe("CycloneDX");
    expect(components.map(({ purl }) => purl).sort()).toEqual(
      NAMES.map((name) => `pkg:npm/${name.replace("@", "%40")}@${version}`),
    );
    expect(components.filter(({ hashes }) => hashes.length === 0)).toEqual([]);
  });
});

describe("an example of README.md, with the packages from the registry,", () => {
  const snippets = listSnippets().filter(({ fence }) => fence.document === "README.md");
  const servers = snippets.filter(({ role }) => role === "server");

  test.each(servers.map((server) => [titleOf(server.fence), server] as const))(
    "prints what %s says",
    async (_title, server) => {
      const client = clientOf(server, snippets);
      // Another run of these tests may use /tmp at the same time.
      const tag = folder.slice(folder.lastIndexOf("-"));
      for (const { file, fence } of [server, client])
        await writeFile(join(project, file), fence.code.replaceAll(/(?<=name: )"(\w+)"/g, `"$1${tag}"`));
      const serving = new PeerProcess([process.execPath, server.file], project, join(project, `${server.file}.output`));
      onTestFinished(async () => {
        await serving.kill();
        // The files that a killed server leaves.
        const left = (await readdir("/tmp")).filter((file) => file.includes(tag) && file.endsWith(".sock"));
        for (const file of left) await rm(join("/tmp", file), { force: true });
      });
      const options = { cwd: project, timeout: EXAMPLE_TIMEOUT_MS, stripFinalNewline: false } as const;
      const { stdout, stderr } = await execa(process.execPath, [client.file], options);
      expect({ stdout, stderr }).toEqual({ stdout: client.prints, stderr: "" });
    },
  );
});
