// Measures calls of @ipc/rpc and of other libraries, each a client and a server in two processes on a unix socket, in turns.
// usage: calls/main.js [--seconds N] [--rounds N] [--only NAME]… [--record]
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine, recordSection } from "@ipc-internal/stress";
import { CALL_PARTS, profile } from "../profile.js";
import { CONTESTANTS } from "./contestant.js";
import { figureTable, profileTable, type RoundFigures, targetTable } from "./figures.js";
import { measureRound } from "./round.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "5" },
    only: { type: "string", multiple: true },
    record: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const names = values.only ?? CONTESTANTS;
if (values.record && values.only !== undefined) throw new TypeError("--record takes all contestants, without --only");

/** Whose calls are profiled. */
const PROFILED = "@ipc/rpc, secure";

const machine = describeMachine();
const programs = fileURLToPath(new URL("..", import.meta.url));
const figures = new Map<string, RoundFigures[]>(names.map((name) => [name, []]));
let [all, notSettled] = [0, 0];
for (let round = 0; round < rounds; round++) {
  for (const name of names) {
    const outcome = await measureRound(programs, name, { workload: "calls", seconds });
    figures.get(name)?.push(new Map(Object.entries(outcome.figures)));
    all += Object.keys(outcome.figures).length;
    notSettled += outcome.unsettled?.length ?? 0;
  }
}

const { table, isMet } = targetTable(figures);
const settled =
  notSettled === 0 ? "All warm-ups settled." : `The warm-up of ${notSettled} of ${all} figures did not settle.`;
const text = `${machine} Medians of ${rounds} rounds, in turns. ${settled}\n\n${table}\n\n${figureTable(figures)}`;
console.log(text);
if (values.record) recordSection("BENCHMARKS.md", "rpc", text);
if (names.includes(PROFILED)) {
  const program = join(programs, "calls/client-process.js");
  const order = { workload: "calls", seconds, isProfiled: true } as const;
  const profiles = profileTable(
    await profile({ program, contestant: PROFILED, order, parts: CALL_PARTS }, 1_000 * seconds),
  );
  console.log(`\n${profiles}`);
  if (values.record) recordSection("BENCHMARKS.md", "rpc-profile", profiles);
}
process.exitCode = isMet ? 0 : 1;
