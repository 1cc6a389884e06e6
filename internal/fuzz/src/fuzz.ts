// Feeds mutated conversations to the decoder, the handshakes, the sessions and the calls, a million by default, and exits with 1 at the first
// that does not end as it must. usage: node --expose-gc fuzz.js [--seed N] [--runs N] [--record]
import { groupDigits, mib, playScenario, type Scenario } from "@ipc-internal/stress";
import { feedCalls } from "./call-feed.js";
import { runMutations } from "./fuzz-run.js";

const LEAST_SHARE = 0.01;
/** From this many runs on, shares are significant. */
const SIGNIFICANT_RUNS = 3_000;
/** From this many on, memory is, too, in the second half: in the first V8 still compiles, into the heap. */
const SIGNIFICANT_RUNS_FOR_MEMORY = 100_000;
const MAX_GROWTH_BYTES = 524_288;
/** One seed in so many also feeds calls. */
const CALL_SHARE = 100;

function heapUsed(): number {
  if (global.gc === undefined) throw new Error("run with --expose-gc");
  global.gc();
  return process.memoryUsage().heapUsed;
}

const fuzz: Scenario<"seed" | "runs"> = {
  what: "feeds mutated conversations to decoder, handshakes, sessions and calls; a seed replays one",
  page: "ROBUSTNESS.md",
  options: { seed: 1, runs: 1_000_000 },

  async run({ seed, runs }) {
    // Most inputs end with an error, and traces take an eighth of the time. A replay has them.
    if (runs >= SIGNIFICANT_RUNS) Error.stackTraceLimit = 0;
    const heaps: number[] = [];
    const tally = await runMutations({
      seed,
      runs,
      onProgress(done) {
        if (done < (runs * (heaps.length + 1)) / 10) return;
        heaps.push(heapUsed());
        if (runs >= SIGNIFICANT_RUNS) console.error(`${done} inputs, heap ${mib(heaps.at(-1) ?? 0)} MiB`);
      },
    });
    // Each of these seeds is 200 frames.
    for (let call = 0; call < runs / CALL_SHARE; call++) await feedCalls(seed + call);
    const [middle = 0, last = 0] = [heaps[(heaps.length >> 1) - 1], heaps.at(-1)];
    const rare = runs < SIGNIFICANT_RUNS ? [] : tally.statesUnder(LEAST_SHARE);
    const isGrown = runs >= SIGNIFICANT_RUNS_FOR_MEMORY && last - middle > MAX_GROWTH_BYTES;
    const met = rare.length === 0 && !isGrown;
    const figures = [
      `${groupDigits(tally.inputs)} inputs; heap after a collection: ${mib(middle)} MiB after half of them, ${mib(last)} MiB at the end.`,
      `Target: a heap that grows by 0.5 MiB at the most, and no state under ${LEAST_SHARE * 100} % of the inputs: ${met ? "met" : "MISSED"}.`,
      ...rare,
      `\n${tally.describe()}`,
    ].join("\n");
    return { figures, met };
  },
};

await playScenario("fuzz", fuzz, process.argv.slice(2));
