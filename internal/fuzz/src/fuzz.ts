// Feeds mutated conversations to the decoder, the handshakes and the sessions, a million by default, and exits 1 at the first
// that does not end as it must. usage: node --expose-gc mutations.js [--seed N] [--runs N] [--record]
import { groupDigits, readRunOptions, recordFigures } from "@ipc-internal/seeded";
import { runMutations } from "./mutation-run.js";

const RUNS = 1_000_000;
const LEAST_SHARE = 0.01;
/** From this many on, shares say something. */
const TELLING_RUNS = 3_000;
/** From this many on, memory does: before, V8 still compiles. */
const TELLING_RUNS_OF_MEMORY = 100_000;
/** From the middle on: until then V8 compiles, and that lies in the heap. */
const MOST_GROWTH_MIB = 0.5;
const MIB = 1_048_576;

const { seed, runs, record } = readRunOptions(process.argv.slice(2), RUNS);
// Most inputs end with an error, and traces take an eighth of the time. A replay has them.
if (runs >= TELLING_RUNS) Error.stackTraceLimit = 0;
const started = performance.now();
const heaps: number[] = [];

function heapMib(): number {
  if (global.gc === undefined) throw new Error("run with --expose-gc");
  global.gc();
  return process.memoryUsage().heapUsed / MIB;
}

const tally = await runMutations({
  seed,
  runs,
  onProgress(done) {
    if (done < (runs * (heaps.length + 1)) / 10) return;
    heaps.push(heapMib());
    if (runs >= TELLING_RUNS) console.error(`${done} inputs, heap ${heaps.at(-1)?.toFixed(1)} MiB`);
  },
});

const seconds = Math.round((performance.now() - started) / 1_000);
const middle = heaps[(heaps.length >> 1) - 1] ?? 0;
const growth = (heaps.at(-1) ?? 0) - middle;
const rare = tally.statesUnder(LEAST_SHARE);
const figures = [
  `${groupDigits(tally.inputs)} inputs, seeds ${seed} … ${seed + runs - 1}, in ${seconds} s;`,
  `heap after a collection: ${middle.toFixed(1)} MiB after half of them,`,
  `${heaps.at(-1)?.toFixed(1)} MiB at the end.\n\n${tally.describe()}`,
].join("\n");
console.log(figures);

const isRare = runs >= TELLING_RUNS && rare.length > 0;
const isGrown = runs >= TELLING_RUNS_OF_MEMORY && growth > MOST_GROWTH_MIB;
if (isRare || isGrown) {
  console.error(
    `FAILED: heap grew by ${growth.toFixed(1)} MiB; states under ${LEAST_SHARE}: ${rare.join(", ") || "none"}`,
  );
  process.exitCode = 1;
} else if (record) {
  recordFigures("mutations", figures);
}
