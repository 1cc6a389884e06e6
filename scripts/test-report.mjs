import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./section.mjs";

/** Path of the JSON report of `npm test`. */
export const TEST_REPORT = join(ROOT, "reports", "tests.json");

/** Path of the JSON report of `npm run test:world`. */
export const WORLD_REPORT = join(ROOT, "reports", "world.json");

/**
 * @typedef {{ status: string, fullName: string, failureMessages: string[] }} Assertion
 * @typedef {{ name: string, status: string, message: string, assertionResults: Assertion[] }} TestFile
 */

/**
 * Reads the test files of a JSON report; undefined when there is no report.
 * @returns {TestFile[] | undefined}
 */
export function readTestFiles(report = TEST_REPORT) {
  return existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : undefined;
}

/** Counts the tests of a report. A file that fails without a failed test counts as one failure. */
export function countTests(report = TEST_REPORT) {
  const files = readTestFiles(report) ?? [];
  const tests = files.flatMap((file) => file.assertionResults);
  const passed = tests.filter((test) => test.status === "passed").length;
  const brokenFiles = files.filter((file) => file.status === "failed" && !file.assertionResults.some(isFailed)).length;
  const failed = tests.filter(isFailed).length + brokenFiles;
  const skipped = tests.filter((test) => test.status !== "passed" && !isFailed(test)).map((test) => test.fullName);
  return { passed, failed, skipped };
}

/** Prints the counts and the name of each skipped test. */
export function printTestReport(report = TEST_REPORT) {
  const { passed, failed, skipped } = countTests(report);
  for (const name of skipped) console.log(`  skipped: ${name}`);
  console.log(`  ${passed} passed, ${failed} failed, ${skipped.length} skipped`);
}

/** @param {Assertion} test */
export function isFailed(test) {
  return test.status === "failed";
}
