import { groupDigits, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { countThroughCuts } from "./cut-run.js";
import { killCounters, stopCounters } from "./loss-run.js";

const BYTES = 64;

/** Prints every so many-th of them. */
function progress(what: string, every: number): (times: number) => void {
  return (times) => {
    if (times % every === 0) console.error(`${times} ${what}`);
  };
}

/** Sessions that are resumed: through cuts, killed processes, and processes that are stopped for longer than a session lasts. */
export const resume: Scenario<"seed" | "messages" | "kills" | "stops"> = {
  what: "cuts resumed sessions 0 … 50 ms after each handshake, kills and stops their processes, and checks what each side is told",
  page: "ROBUSTNESS.md",
  options: { seed: 1, messages: 1_000_000, kills: 200, stops: 10 },

  async run({ seed, messages, kills, stops }) {
    const onCut = progress("cuts", 100);
    const { cuts, seconds, client, server } = await countThroughCuts({ seed, messages, bytes: BYTES, onCut });
    const losses = [
      ["server killed", await killCounters("server", kills, progress("servers killed", 20))],
      ["client killed", await killCounters("client", kills, progress("clients killed", 20))],
      ["server stopped for longer than `ttlMs`", await stopCounters("server", stops, progress("servers stopped", 5))],
      ["client stopped for longer than `ttlMs`", await stopCounters("client", stops, progress("clients stopped", 5))],
    ] as const;
    const figures = [
      `${groupDigits(messages)} messages of ${BYTES} bytes in each direction, ${groupDigits(cuts)} cuts, ${Math.round(seconds)} s:\n`,
      table(
        ["", "taken, once and in order", "resumed", "messages sent again"],
        [
          ["client", client.taken, client.resumes, client.sentAgain],
          ["server", server.taken, server.resumes, server.sentAgain],
        ],
      ),
      table(
        ["", "sessions lost", "called undelivered", "called uncertain", "taken"],
        losses.map(([what, { losses: lost, undelivered, unconfirmed, taken }]) => [
          what,
          ...[lost, undelivered, unconfirmed, taken],
        ]),
      ),
      "Nothing that was called undelivered was taken, and nothing else was missing.",
    ].join("\n");
    return { figures, met: true };
  },
};
