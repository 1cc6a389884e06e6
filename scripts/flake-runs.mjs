import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collect, ROOT } from "./section.mjs";
import { countTests, readTestFiles } from "./test-report.mjs";

/** Stops a run that hangs; far above the time of a run on a busy machine. */
const LIMIT_MS = 3_600_000;

const VITEST = join(ROOT, "node_modules", "vitest", "vitest.mjs");

/**
 * Runs all tests of a vitest project several times, without any cache, and prints the counts and the time of each run.
 * @param {object} options
 * @param {string} options.folder the project
 * @param {string} options.reports receives `run-N.json`, the report, and `run-N.txt`, the output; emptied first
 * @param {number} options.runs
 * @param {(line: string) => void} options.print
 * @param {AbortSignal} options.signal when aborted, the remaining runs do not start, and the current one does not count
 * @param {typeof runVitest} [options.run] runs the tests once
 */
export async function repeatTests({ folder, reports, runs, print, signal, run = runVitest }) {
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  /** @type {import("./flake-verdict.mjs").Run[]} */
  const results = [];
  for (let number = 1; number <= runs && !signal.aborted; number += 1) {
    const report = join(reports, `run-${number}.json`);
    const started = performance.now();
    const { code, output, isTimedOut } = await run(folder, report);
    if (signal.aborted) break;
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    writeFileSync(join(reports, `run-${number}.txt`), output);
    if (isTimedOut) print(`run ${number} of ${runs} was stopped after ${LIMIT_MS / 1_000} s`);
    results.push({ code, output, files: readTestFiles(report) });
    const { passed, failed, skipped } = countTests(report);
    const counts = `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
    print(`run ${number} of ${runs}: ${counts}, exit code ${code}, ${seconds} s`);
  }
  return results;
}

/**
 * Runs all tests of a vitest project once.
 * @param {string} folder
 * @param {string} report receives the JSON report
 */
export function runVitest(folder, report) {
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const options = { env: { NO_COLOR: "1" }, limitMs: LIMIT_MS };
  return collect(process.execPath, [VITEST, "run", "--root", folder, ...reporters], options);
}
