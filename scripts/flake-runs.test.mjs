import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { repeatTests } from "./flake-runs.mjs";
import { findFlakes, WHOLE_RUN } from "./flake-verdict.mjs";
import { ROOT } from "./section.mjs";

/** Counts its runs in a file: the second one fails a test, the third one leaves an error unhandled. */
const TEST_FILE = `
import { appendFileSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const counter = new URL("counter.txt", import.meta.url);
appendFileSync(counter, "x");
const run = readFileSync(counter, "utf8").length;

it("passes always", () => {});
it.skip("never runs", () => {});
it("fails once", () => {
  if (run === 3) void Promise.reject(new Error("unhandled in run 3"));
  expect(run).not.toBe(2);
});
`;

/** Makes a vitest project of one test file. */
function makeProject() {
  const folder = mkdtempSync(join(tmpdir(), "ipc-flakes-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(ROOT, "node_modules", "vitest"), join(folder, "node_modules", "vitest"), "junction");
  writeFileSync(join(folder, "counted.test.mjs"), TEST_FILE);
  return folder;
}

it("finds the test that fails in one run and the error that no test catches in another", async () => {
  const folder = makeProject();
  const reports = join(folder, "reports");
  /** @type {string[]} */
  const lines = [];
  const results = await repeatTests({
    folder,
    reports,
    runs: 3,
    print: (line) => lines.push(line),
    signal: new AbortController().signal,
  });

  expect(lines.map((line) => line.replace(/[\d.]+ s$/, "… s"))).toEqual([
    "run 1 of 3: 2 passed, 0 failed, 1 skipped, exit code 0, … s",
    "run 2 of 3: 1 passed, 1 failed, 1 skipped, exit code 1, … s",
    "run 3 of 3: 2 passed, 0 failed, 1 skipped, exit code 1, … s",
  ]);
  const flakes = findFlakes(folder, results);
  const test = "counted.test.mjs > fails once";
  expect([...flakes.keys()]).toEqual([WHOLE_RUN, test]);
  expect([...(flakes.get(WHOLE_RUN) ?? [])]).toEqual([[expect.stringContaining("unhandled in run 3"), [3]]]);
  expect([...(flakes.get(test) ?? [])]).toEqual([[expect.stringContaining("expected 2 not to be 2"), [2]]]);
  expect(readdirSync(reports).sort()).toEqual([1, 2, 3].flatMap((run) => [`run-${run}.json`, `run-${run}.txt`]));
});

it("starts no other run once it is aborted", async () => {
  const folder = makeProject();
  const interruption = new AbortController();
  const results = await repeatTests({
    folder,
    reports: join(folder, "reports"),
    runs: 2,
    print: () => interruption.abort(),
    signal: interruption.signal,
  });
  expect(results.map(({ code }) => code)).toEqual([0]);
});
