// Measures calls of @ipc/rpc and of other libraries, each a client and a server in two processes on a unix socket, in turns.
// usage: calls/main.js [--seconds N] [--rounds N] [--only NAME]… [--record]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine, recordSection } from "@ipc-internal/stress";
import { CONTESTANTS } from "./contestant.js";
import { type CallFigures, figureTable, targetTable } from "./figures.js";
import { measureRound, type RoundFigures } from "./measure.js";

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

const machine = describeMachine();
const directory = await mkdtemp(join(tmpdir(), "ipc-calls-"));
const figures = new Map<string, RoundFigures[]>(names.map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [at, name] of names.entries()) {
    figures.get(name)?.push(await measureRound({ name, path: join(directory, `c${round}-${at}.sock`), seconds }));
  }
}
await rm(directory, { recursive: true });

const measured: CallFigures = figures;
const { table, isMet } = targetTable(measured);
const text = `${machine} Medians of ${rounds} rounds, in turns.\n\n${table}\n\n${figureTable(measured)}`;
console.log(text);
if (values.record) recordSection("BENCHMARKS.md", "rpc", text);
process.exitCode = isMet ? 0 : 1;
