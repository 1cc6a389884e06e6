import type { Scenario } from "@ipc-internal/stress";
import { markdownTable } from "markdown-table";
import { short, spread } from "../number-text.js";
import { median } from "../quantile.js";
import { EchoServers } from "./echo-servers.js";
import { measureImport, measureStart } from "./fresh-process.js";

const ANSWER = "hello";
const YARDSTICK = "ws";
/** Packages whose import is measured. */
export const LIBRARIES: readonly string[] = ["@ipc/client", YARDSTICK, "node-ipc", "zeromq", "vscode-jsonrpc/node"];

/** By contestant, a value in milliseconds for each round. */
export type Times = Readonly<Record<string, readonly number[]>>;

/** The time until a short-lived program has its first answer. */
export const start: Scenario<"rounds"> = {
  what: "measures fresh client processes from their start to the first answer, and cold imports",
  page: "BENCHMARKS.md",
  options: { rounds: 30 },

  async run({ rounds }) {
    await using servers = await EchoServers.start();
    return reportTimes(
      await measureInTurns(rounds, startsAt(servers)),
      await measureInTurns(rounds, Object.fromEntries(LIBRARIES.map((name) => [name, () => measureImport(name)]))),
    );
  },
};

/** By contestant, a measurement of its client program. */
export function startsAt(servers: EchoServers): Readonly<Record<string, () => Promise<number>>> {
  return {
    "bare socket": () => measureStart("bare", servers.bare, ANSWER),
    [YARDSTICK]: () => measureStart("web-socket", servers.web, ANSWER),
    "@ipc/client, secure": () => measureStart("ours", servers.ours, ANSWER),
  };
}

/** Tells the times as tables, and whether ours are at most those of ws: by the median of the ratios of all rounds. */
export function reportTimes(starts: Times, imports: Times): { readonly figures: string; readonly met: boolean } {
  const met = [starts, imports].every((times) =>
    Object.keys(times).every((name) => !name.startsWith("@ipc/") || ratio(times, name) <= 1),
  );
  const figures = [
    table("start to first answer", starts),
    table("cold import", imports),
    `Target: a start and an import of @ipc/client ÷ those of ${YARDSTICK} of at most 1: ${met ? "met" : "MISSED"}.`,
  ].join("\n\n");
  return { figures, met };
}

/** Measures each once in a round; the next round begins with another, so that other load on the machine meets all alike. */
export async function measureInTurns(
  rounds: number,
  measures: Readonly<Record<string, () => Promise<number>>>,
): Promise<Times> {
  const names = Object.keys(measures);
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length] ?? "";
      times[name]?.push((await measures[name]?.()) ?? Number.NaN);
    }
  }
  return times;
}

function table(title: string, times: Times): string {
  const rows = Object.entries(times).map(([name, all]) => [name, spread(all), short(ratio(times, name))]);
  return markdownTable([[title, "ms", `÷ ${YARDSTICK}`], ...rows], { align: ["l", "r", "r"] });
}

function ratio(times: Times, name: string): number {
  const under = times[YARDSTICK] ?? [];
  return median((times[name] ?? []).map((ms, round) => ms / (under[round] ?? Number.NaN)));
}
