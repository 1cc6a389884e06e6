// Prints the runner's counts as one line, and fails when a test failed or none passed.
import { countTests } from "./test-report.mjs";

const { passed, failed, skipped } = countTests();
console.log(`tests: ${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
