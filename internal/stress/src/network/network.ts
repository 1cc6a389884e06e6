import type { Scenario } from "../scenario.js";
import { runFaults } from "./fault-run.js";

/** Conversations of two processes through a proxy that does harm. */
export const network: Scenario<"seed" | "runs"> = {
  what: "plays conversations of two processes through a proxy that cuts, freezes and alters; a seed replays one",
  page: "ROBUSTNESS.md",
  options: { seed: 1, runs: 1_000 },

  async run({ seed, runs }) {
    const tally = await runFaults({
      seed,
      runs,
      onProgress(done) {
        if (done % 100 === 0) console.error(`${done} runs`);
      },
    });
    return { figures: tally.describe(), met: true };
  },
};
