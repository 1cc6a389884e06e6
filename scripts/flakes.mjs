// npm run flakes -- [--runs N] [--load]: installs, builds, runs all tests N times (10), and prints each test that did not
// pass every time; exits 1 if there is one. With --load, busy processes occupy all cores during the runs.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { startBusyProcesses } from "./busy-processes.mjs";
import { flakeOptions } from "./flake-options.mjs";
import { repeatTests } from "./flake-runs.mjs";
import { findFlakes, printable } from "./flake-verdict.mjs";
import { ROOT, SectionFailed } from "./section.mjs";
import { SECTIONS } from "./sections.mjs";

try {
  const { runs, load } = flakeOptions(process.argv.slice(2));
  await SECTIONS.install();
  await SECTIONS.build([]);
  const results = await runAll(runs, load ? availableParallelism() : 0);
  const flakes = findFlakes(ROOT, results);
  if (flakes.size > 0) console.log(`\n${printable(flakes)}\n\nreports of all runs: reports/flakes`);
  console.log(`${results.length} of ${runs} runs completed, ${flakes.size} did not pass every time`);
  process.exitCode = flakes.size === 0 && results.length === runs ? 0 : 1;
} catch (error) {
  if (!(error instanceof SectionFailed)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/**
 * @param {number} runs
 * @param {number} busyProcesses
 */
async function runAll(runs, busyProcesses) {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const endBusyProcesses = await startBusyProcesses(busyProcesses);
  try {
    const reports = join(ROOT, "reports", "flakes");
    return await repeatTests({ folder: ROOT, reports, runs, print: console.log, signal: interruption.signal });
  } finally {
    await endBusyProcesses();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
