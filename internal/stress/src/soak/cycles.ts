import { type Footprint, isSameCount } from "../process/footprint.js";
import { measureApart } from "../process/measurement.js";
import { kib, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import type { CycleReport } from "./cycles-program.js";

/** Cycles of connect, echo and close in one process, and what has grown since a fifth of them. */
export const cycles: Scenario<"runs"> = {
  what: "plays so many cycles of connect, echo and close in one process, and shows what has grown",
  options: { runs: 1_000 },

  async run({ runs }) {
    const { echoes, before, after } = await runCycles(runs);
    const row = ([when, { heapUsed, external, descriptors, resources }]: [string, Footprint]): (string | number)[] => [
      ...[when, kib(heapUsed), kib(external), descriptors ?? "unknown"],
      Object.entries(resources).flat().join(" "),
    ];
    const figures = table(
      [`${echoes} echoes`, "heap, KiB", "buffers, KiB", "descriptors", "sockets, timers …"],
      [row(["after a fifth", before]), row(["at the end", after])],
    );
    return { figures, met: echoes === runs && isSameCount(before, after) };
  },
};

export function runCycles(runs: number): Promise<CycleReport> {
  return measureApart("soak/cycles-program", runs, ["--expose-gc"]);
}
