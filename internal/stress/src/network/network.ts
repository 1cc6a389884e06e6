// Plays conversations of two processes through a proxy that does harm, 1 000 by default, and exits 1 at the first that breaks
// a promise. usage: faults.js [--seed N] [--runs N] [--record]
import { readRunOptions, recordFigures } from "@ipc-internal/seeded";
import { runFaults } from "./fault-run.js";

const RUNS = 1_000;
const { seed, runs, record } = readRunOptions(process.argv.slice(2), RUNS);
const started = performance.now();
const tally = await runFaults({
  seed,
  runs,
  onProgress(done) {
    if (done % 100 === 0) console.error(`${done} runs`);
  },
});
const seconds = Math.round((performance.now() - started) / 1_000);
const figures = `${tally.runs} runs, seeds ${seed} … ${seed + runs - 1}, in ${seconds} s, none failed.\n\n${tally.describe()}`;
console.log(figures);
if (record) recordFigures("faults", figures);
