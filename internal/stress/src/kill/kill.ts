// Kills and stops servers and clients in the midst of the traffic, 200 times each with and without encryption, and exits 1 when a
// promise is broken or a client comes back late. usage: kills.js [--runs N] [--record]
import { loadavg } from "node:os";
import { recordFigures } from "@ipc-internal/seeded";
import { describeKills } from "./kill-figures.js";
import { type KillResult, type KillRun, killAndReplace } from "./kill-run.js";
import { readScriptOptions } from "./script-options.js";
import { type StopResult, stopAndContinue } from "./stop-run.js";

/** Of a server of many, killing a tenth as often takes as long. */
const CLIENTS = 50;

const { runs, record } = readScriptOptions(process.argv.slice(2), 200);
const from = performance.now();
const [loadBefore = 0] = loadavg();
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
    console.error(`${run.victim}, encryption ${encryption}: ${run.kills} kills, back after ${longest} ms at the most`);
  }
  stops.push(await stopAndContinue({ encryption, stops: runs }));
}
const seconds = Math.round((performance.now() - from) / 1_000);
const { figures, met } = describeKills(kills, stops);
const [loadAfter = 0] = loadavg();
const load = `load average ${loadBefore.toFixed(1)} before and ${loadAfter.toFixed(1)} after`;
const all = `In ${seconds} s, ${load}, none failed.\n\n${figures}`;
console.log(all);
if (record) recordFigures("kills", all);
process.exitCode = met ? 0 : 1;
