import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { installGoTool } from "../../conformance/src/go-toolchain.js";
import { filesUnder, ROOT, readManifest, readText } from "./source-tree.js";

const PINNED = /^[\w-]+(\/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

const workflows = filesUnder(".github/workflows", [".yml"]);
// Before the tests, because a compiler takes as long as the machine lets it.
const actionlint = await installGoTool("github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12");
const why = "missing" in actionlint ? ` (skipped: ${actionlint.missing})` : "";

/** The values of a key in a file, wherever it stands. */
function valuesOf(path: string, key: string): string[] {
  const line = new RegExp(`^[ -]*${key}: (.+)$`, "gm");
  return [...readText(path).matchAll(line)].map(([, value = ""]) => value);
}

test.skipIf(why !== "")(`actionlint accepts the workflows${why}`, async () => {
  const path = "path" in actionlint ? actionlint.path : "";
  // Without programs that some machines have and others do not.
  const options = ["-no-color", "-shellcheck=", "-pyflakes="];
  const run = promisify(execFile)(path, [...options, ...workflows], { cwd: ROOT });
  const { code = 0, stdout, stderr } = await run.catch((error) => error);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
});

describe.each(workflows)("%s", (path) => {
  test("pins each action by its commit, and names the version", () => {
    const actions = valuesOf(path, "uses");
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !PINNED.test(action))).toEqual([]);
  });

  test("runs scripts of package.json and nothing else", () => {
    const { scripts = {} } = readManifest(".");
    const isScript = (command: string): boolean => {
      const [, name = ""] = /^npm (?:run )?([\w:-]+)$/.exec(command) ?? [];
      return name in scripts && (command.startsWith("npm run ") || name === "test");
    };
    const commands = ["run", "version", "publish"].flatMap((key) => valuesOf(path, key));
    expect(commands.filter((command) => !isScript(command))).toEqual([]);
  });

  test("starts from no permission to write, and bounds the time of each job", () => {
    const text = readText(path);
    expect(text).toMatch(/^permissions:( \{\}|\n {2}contents: read)\n(?! )/m);
    const jobs = text.slice(text.indexOf("\njobs:")).match(/^ {4}runs-on: /gm) ?? [];
    expect(valuesOf(path, "timeout-minutes")).toHaveLength(jobs.length);
    expect(text.match(/persist-credentials: false/g)).toHaveLength(text.match(/actions\/checkout@/g)?.length ?? 0);
  });
});
