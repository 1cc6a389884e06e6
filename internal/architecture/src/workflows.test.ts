import { execFile } from "node:child_process";
import { posix } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { installGoTool } from "../../conformance/src/go-toolchain.js";
import { listImports } from "./import-list.js";
import { isFile, ROOT, readManifest, readText } from "./source-tree.js";
import { commandsOf, listWorkflows, readWorkflow, writesOf } from "./workflow.js";

const PINNED = /^[\w-]+(\/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
/** The time that a job may take at most, in minutes. GitHub's own limit is six hours. */
const MAX_MINUTES = 60;

/** The jobs' write permissions, by workflow and job, and all that they run then. A job that is not here may read the repository at most. */
const WRITERS: Readonly<Record<string, { readonly writes: readonly string[]; readonly runs: readonly string[] }>> = {
  "release.yml version": {
    writes: ["contents", "pull-requests"],
    runs: ["npm run dependencies", "npm run release:version"],
  },
  "release.yml publish": { writes: ["id-token"], runs: ["npm run release:publish"] },
  "release.yml release": { writes: ["contents"], runs: ["npm run sbom", "npm run release:tag"] },
};

/** The texts of these commands in package.json: none of them builds. */
const SCRIPTS: Readonly<Record<string, string>> = {
  dependencies: "node scripts/workspace.mjs install",
  "release:version": "changeset version",
  "release:publish": "node scripts/release-publish.mjs",
  sbom: "node scripts/sbom.mjs",
  "release:tag": "node scripts/release-tag.mjs",
};

const workflows = listWorkflows().map(readWorkflow);
const jobs = workflows.flatMap((workflow) =>
  Object.entries(workflow.jobs).map(([name, job]) => {
    return { title: `${posix.basename(workflow.path)} ${name}`, job, workflow };
  }),
);
const { scripts = {} } = readManifest(".");
// Before the tests, because a compiler takes as long as the machine lets it.
const actionlint = await installGoTool("github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12");
const why = "missing" in actionlint ? ` (skipped: ${actionlint.missing})` : "";

test.skipIf(why !== "")(`actionlint accepts the workflows${why}`, async () => {
  const path = "path" in actionlint ? actionlint.path : "";
  // Without programs that some machines have and others do not.
  const options = ["-no-color", "-shellcheck=", "-pyflakes="];
  const run = promisify(execFile)(path, [...options, ...listWorkflows()], { cwd: ROOT });
  const { code = 0, stdout, stderr } = await run.catch((error) => error);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
});

describe.each(workflows)("$path", ({ actions, permissions, jobs }) => {
  test("starts from no permission to write", () => {
    expect([{}, { contents: "read" }]).toContainEqual(permissions);
  });

  test("pins each action by its commit, and names the version", () => {
    const used = Object.values(jobs).flatMap(({ steps }) => steps.filter(({ uses }) => uses !== undefined));
    expect(actions).toHaveLength(used.length);
    expect(actions.filter((action) => !PINNED.test(action))).toEqual([]);
  });
});

/** The name of the script of package.json that a command runs; undefined: it runs something else. */
function scriptOf(command: string): string | undefined {
  const [, name] = /^npm (?:run ([\w:-]+)|test)$/.exec(command) ?? [];
  return command === "npm test" ? "test" : name;
}

/** The program of this repository that a script runs with Node.js, and nothing else. */
function programOf(script: string): string | undefined {
  return /^node (scripts\/[\w-]+\.mjs)$/.exec(scripts[script] ?? "")?.[1];
}

/** Lists what a program loads and Node.js does not bring. */
function listForeign(program: string, seen = new Set<string>()): string[] {
  if (seen.has(program)) return [];
  seen.add(program);
  return listImports(program, readText(program)).flatMap(({ specifier }) => {
    if (specifier.startsWith("node:")) return [];
    if (!specifier.startsWith(".")) return [specifier];
    return listForeign(posix.join(posix.dirname(program), specifier), seen);
  });
}

describe.each(jobs)("the job $title", ({ title, job, workflow }) => {
  test("may write what is listed and nothing else", () => {
    expect(writesOf(job, workflow).sort()).toEqual(WRITERS[title]?.writes ?? []);
  });

  test("is stopped in time", () => {
    expect(job["timeout-minutes"]).toBeGreaterThan(0);
    expect(job["timeout-minutes"]).toBeLessThanOrEqual(MAX_MINUTES);
  });

  test("leaves no token in what it checks out", () => {
    const checkouts = job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts.map((step) => step.with?.["persist-credentials"])).toEqual([false]);
  });

  test("runs scripts of package.json whose programs exist", () => {
    const commands = commandsOf(job);
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.filter((command) => !((scriptOf(command) ?? "") in scripts))).toEqual([]);
    const programs = commands.map((command) => /^node (\S+)/.exec(scripts[scriptOf(command) ?? ""] ?? "")?.[1]);
    expect(programs.filter((program) => program !== undefined && !isFile(program))).toEqual([]);
  });
});

const testers = jobs.filter(({ job }) => commandsOf(job).includes("npm test"));

test.each(testers)("the job $title installs what tests need before it runs them", ({ job }) => {
  const commands = commandsOf(job);
  expect(commands.slice(0, commands.indexOf("npm test"))).toContain("npm run system-tools");
});

/** The jobs that get a secret, or a token that npm trusts. */
const publishers = jobs.filter(({ job, workflow }) => {
  return /\bsecrets\./.test(JSON.stringify(job)) || writesOf(job, workflow).includes("id-token");
});

test.each(publishers)("the job $title waits for an approval, and runs nothing that is installed", ({ job }) => {
  expect(job.environment).toBe("npm");
  const programs = commandsOf(job).map((command) => programOf(scriptOf(command) ?? ""));
  expect(programs).not.toContain(undefined);
  expect(programs.flatMap((program) => listForeign(program ?? ""))).toEqual([]);
});

const writers = jobs.filter(({ job, workflow }) => writesOf(job, workflow).length > 0);

test.each(writers)(
  "the job $title, which may write, builds nothing, and no other run of it at the same time",
  ({ title, job }) => {
    expect(job.concurrency).toEqual(expect.any(String));
    expect(commandsOf(job)).toEqual(WRITERS[title]?.runs);
    for (const command of commandsOf(job)) {
      const script = scriptOf(command) ?? "";
      expect(scripts[script]).toBe(SCRIPTS[script]);
    }
  },
);

test("the job that decides on a release is cancelled by no other push", () => {
  const release = readWorkflow(".github/workflows/release.yml");
  expect(release.concurrency).toBeUndefined();
  expect(release.jobs["pending"]).not.toHaveProperty("concurrency");
  expect(release.jobs["pending"]).not.toHaveProperty("if");
});
