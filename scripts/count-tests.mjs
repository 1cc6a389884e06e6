// Prints the runner's counts of `npm test` and `npm run test:world` as one line, and fails when a test failed or none passed.
import { countTests, TEST_REPORT, WORLD_REPORT } from "./test-report.mjs";

const counts = [TEST_REPORT, WORLD_REPORT].map((report) => countTests(report));
/** @type {(count: (one: ReturnType<typeof countTests>) => number) => number} */
const sum = (count) => counts.reduce((total, one) => total + count(one), 0);
const [passed, failed, skipped] = [
  sum((one) => one.passed),
  sum((one) => one.failed),
  sum((one) => one.skipped.length),
];
console.log(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 && (counts[0]?.passed ?? 0) > 0 ? 0 : 1;
