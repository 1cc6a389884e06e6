import { groupDigits, quantile, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { intrude } from "./intruder-run.js";
import { isRoot, NEEDS_ROOT } from "./other-user.js";
import { raceForSocket } from "./race-run.js";
import { killStarts } from "./start-kill-run.js";
import { watchStarts } from "./watch-run.js";

const STARTS_PER_RACE = 2.5;

/** Races for a socket file, kills in the middle of starts, the file's mode from the first instant, and a second user. */
export const ownership: Scenario<"runs"> = {
  what: "races so many times for a socket file, kills starts, watches the file's mode, lets a second user try (as root)",
  page: "ROBUSTNESS.md",
  options: { runs: 200 },

  async run({ runs }) {
    const starts = Math.ceil(runs * STARTS_PER_RACE);
    const races = await raceForSocket(runs);
    const killed = await killStarts(runs);
    const watched = await watchStarts(starts);
    const intruder = isRoot ? await intrude(starts) : undefined;
    if (intruder?.outcomes["entered"] !== undefined) throw new Error("a second user got in");
    const figures = [
      table(
        [
          "two start at once over a name that is",
          "races",
          "the first is the owner",
          "the second",
          "the old one still was",
        ],
        races.map(({ ground, first, second, neither }) => [ground, runs, first, second, neither]),
      ),
      table(
        ["killed in the middle of their starts", "kills", "the next starts and serves after, ms: median", "longest"],
        [["servers", runs, ...[0.5, 1].map((share) => groupDigits(quantile(killed.nextStartMs, share)))]],
      ),
      table(["left beside a socket file", "times"], Object.entries({ directory: 0, ...killed.left }).sort()),
      table(
        [`seen in ${groupDigits(watched.looks)} looks at ${groupDigits(starts)} starts`, "times"],
        Object.entries(watched.seen).sort(),
      ),
      intruder === undefined
        ? `No second user tried to get in: ${NEEDS_ROOT}.\n`
        : table(
            [`outcome of a second user's attempts through ${groupDigits(starts)} starts under umask 0`, "times"],
            Object.entries({ entered: 0, ...intruder.outcomes }).sort(),
          ),
    ].join("\n");
    return { figures, met: true };
  },
};
