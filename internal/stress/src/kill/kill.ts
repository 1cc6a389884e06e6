import { count, countTable, groupDigits, quantile, table } from "../report/figure.js";
import type { Report, Scenario } from "../scenario.js";
import { defaultWire } from "../traffic/wire.js";
import { type KillResult, type KillRun, killAndReplace } from "./kill-run.js";
import { type StopResult, stopAndContinue } from "./stop-run.js";

/** Killing a server of many a tenth as often takes as long. */
const CLIENTS = 50;
/** 99 of a hundred clients of a killed server must be back within this many milliseconds of the next one's listening. */
const TARGET_MS = 500;

/** Kills servers and clients in the middle of the traffic, stops and continues them, with and without encryption. */
export const kill: Scenario<"runs"> = {
  what: "kills servers and clients in the middle of the traffic, so many times each, stops and continues them",
  page: "ROBUSTNESS.md",
  options: { runs: 200 },

  async run({ runs }) {
    const kills: KillResult[] = [];
    const stops: StopResult[] = [];
    for (const encryption of [true, false]) {
      const each: readonly KillRun[] = [
        { victim: "server", encryption, kills: runs, away: true },
        { victim: "client", encryption, kills: runs, away: true },
        { victim: "manager", encryption, kills: Math.ceil(runs / 10), clients: CLIENTS, away: true },
      ];
      for (const run of each) {
        const result = await killAndReplace(run);
        kills.push(result);
        const longest = Math.round(Math.max(...result.backMs));
        console.error(`${nameOf(run)}: ${run.kills} kills, back after ${longest} ms at the most`);
      }
      stops.push(await stopAndContinue({ encryption, stops: runs }));
    }
    return describeKills(kills, stops);
  },
};

export function describeKills(kills: readonly KillResult[], stops: readonly StopResult[]): Report {
  const met = kills.every(({ run, backMs }) => run.victim !== "server" || quantile(backMs, 0.99) <= TARGET_MS);
  const codes: Record<string, number> = {};
  for (const { survivor } of kills) {
    for (const [name, times] of Object.entries(survivor.codes)) count(codes, name, times);
  }
  const figures = [
    table(
      ["killed", "kills", "back after, ms: median", "99 of 100", "longest", "messages checked"],
      kills.map(({ run, backMs, survivor }) => [
        nameOf(run),
        run.kills,
        ...[0.5, 0.99, 1].map((share) => groupDigits(quantile(backMs, share))),
        survivor.heard,
      ]),
    ),
    `Target: 99 of 100 clients of a server with one client are back within ${TARGET_MS} ms of its listening: ${met ? "met" : "MISSED"}.\n`,
    table(
      ["stopped, in turn", "stops", "queued for it at the most, bytes", "messages checked"],
      stops.map(({ run, maxQueuedBytes, client, server }) => [
        `server and client, ${defaultWire(run.encryption)}`,
        run.stops,
        maxQueuedBytes,
        client.heard + server.heard,
      ]),
    ),
    countTable(["seen by the side that stayed", "times"], codes),
  ].join("\n");
  return { figures, met };
}

function nameOf({ victim, encryption, clients = 1 }: KillRun): string {
  return `${victim === "manager" ? `server of ${clients} clients` : victim}, ${defaultWire(encryption)}`;
}
