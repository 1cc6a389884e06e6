import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { repeatTests, runVitest } from "./flake-runs.mjs";
import { findFlakes, WHOLE_RUN } from "./flake-verdict.mjs";
import { ROOT } from "./section.mjs";
import { countTests, readTestFiles } from "./test-report.mjs";

function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), "ipc-flakes-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs that vitest would report: a test fails in the second one. */
const RUNS = ["passed", "failed", "passed"].map((status) => {
  const tests = [
    { fullName: "passes always", status: "passed", failureMessages: [] },
    { fullName: "fails once", status, failureMessages: status === "failed" ? ["expected 2 not to be 2"] : [] },
    { fullName: "never runs", status: "skipped", failureMessages: [] },
  ];
  return { code: status === "failed" ? 1 : 0, status, output: `${status}\n`, tests };
});

/**
 * Stands in the place of vitest.
 * @param {string} folder
 * @param {string} report
 */
async function runNext(folder, report) {
  const { code, status, output, tests } = RUNS[readdirSync(join(report, "..")).length / 2] ?? RUNS[0] ?? expect.fail();
  const file = { name: join(folder, "a.test.mjs"), status, message: "", assertionResults: tests };
  writeFileSync(report, JSON.stringify({ testResults: [file] }));
  return { code, output, isTimedOut: false };
}

it("repeats the tests, keeps each report and output, and prints the counts", async () => {
  const folder = makeFolder();
  const reports = join(folder, "reports");
  /** @type {string[]} */
  const lines = [];
  const print = (/** @type {string} */ line) => void lines.push(line);
  const { signal } = new AbortController();
  const results = await repeatTests({ folder, reports, runs: 3, print, signal, run: runNext });
  expect(lines.map((line) => line.replace(/[\d.]+ s$/, "… s"))).toEqual([
    "run 1 of 3: 2 passed, 0 failed, 1 skipped, exit code 0, … s",
    "run 2 of 3: 1 passed, 1 failed, 1 skipped, exit code 1, … s",
    "run 3 of 3: 2 passed, 0 failed, 1 skipped, exit code 0, … s",
  ]);
  const flakes = new Map([["a.test.mjs > fails once", new Map([["expected 2 not to be 2", [2]]])]]);
  expect(findFlakes(folder, results)).toEqual(flakes);
  expect(readdirSync(reports).sort()).toEqual([1, 2, 3].flatMap((run) => [`run-${run}.json`, `run-${run}.txt`]));
  expect(readFileSync(join(reports, "run-2.txt"), "utf8")).toBe("failed\n");
});

it("starts no other run once it is aborted", async () => {
  const folder = makeFolder();
  const interruption = new AbortController();
  const print = () => interruption.abort();
  const { signal } = interruption;
  const results = await repeatTests({ folder, reports: join(folder, "reports"), runs: 2, print, signal, run: runNext });
  expect(results.map(({ code }) => code)).toEqual([0]);
});

const TEST_FILE = `
import { expect, it } from "vitest";

it("passes", () => {});
it.skip("never runs", () => {});
it("leaves an error unhandled", () => void Promise.reject(new Error("unhandled")));
it("fails", () => expect(2).not.toBe(2));
`;

it("runs vitest, whose report and output show failed tests and unhandled errors", async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(ROOT, "node_modules", "vitest"), join(folder, "node_modules", "vitest"), "junction");
  writeFileSync(join(folder, "some.test.mjs"), TEST_FILE);
  const report = join(folder, "report.json");
  const { code, output } = await runVitest(folder, report);
  expect(countTests(report)).toEqual({ passed: 2, failed: 1, skipped: ["never runs"] });
  const flakes = findFlakes(folder, [{ code, output, files: readTestFiles(report) }]);
  expect([...flakes.keys()]).toEqual([WHOLE_RUN, "some.test.mjs > fails"]);
  expect([...(flakes.get(WHOLE_RUN) ?? [])]).toEqual([[expect.stringContaining("unhandled"), [1]]]);
  expect([...(flakes.get("some.test.mjs > fails") ?? [])]).toEqual([
    [expect.stringContaining("expected 2 not to be 2"), [1]],
  ]);
});
