import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./section.mjs";

/** Where the test runner leaves its JSON report. */
export const TEST_REPORT = join(ROOT, "reports", "tests.json");

/**
 * @typedef {{ status: string, fullName: string }} Assertion
 * @typedef {{ status: string, assertionResults: Assertion[] }} TestFile
 */

/** Counts what the test runner reports; a file that failed before its first test counts as one failure. */
export function countTests(report = TEST_REPORT) {
  /** @type {TestFile[]} */
  const files = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : [];
  const tests = files.flatMap((file) => file.assertionResults);
  const passed = tests.filter((test) => test.status === "passed").length;
  const brokenFiles = files.filter((file) => file.status === "failed" && !file.assertionResults.some(isFailed)).length;
  const failed = tests.filter(isFailed).length + brokenFiles;
  const skipped = tests.filter((test) => test.status !== "passed" && !isFailed(test)).map((test) => test.fullName);
  return { passed, failed, skipped };
}

/** Prints the counts, and the name of every test that was skipped. */
export function printTestReport() {
  const { passed, failed, skipped } = countTests();
  for (const name of skipped) console.log(`  skipped: ${name}`);
  console.log(`  ${passed} passed, ${failed} failed, ${skipped.length} skipped`);
}

/** @param {Assertion} test */
function isFailed(test) {
  return test.status === "failed";
}
