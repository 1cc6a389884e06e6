// Measures everything, writes docs/BENCHMARKS.md, and exits with 1 when a target is missed.
// usage: main.js [--quick] [--only NAMES] [--json FILE] | --render
import { writeFile } from "node:fs/promises";
import { SingleBar } from "cli-progress";
import { Command } from "commander";
import { gatherField } from "./contestant.js";
import { besideRecorded, readResults, renew, writeDocument } from "./document.js";
import { measure } from "./measure.js";
import { Figures, type Results } from "./results.js";
import { FULL, QUICK } from "./section.js";
import { tablesOf } from "./tables.js";
import { isMet, targetsOf } from "./target.js";

interface Options {
  readonly quick?: boolean;
  readonly only?: readonly string[];
  readonly json?: string;
  readonly render?: boolean;
  readonly write?: boolean;
}

const { quick, only, json, render, write } = new Command("npm run bench --")
  .description(
    "Measures us beside the floor and every peer, and writes docs/BENCHMARKS.md. Exits with 1 when a target is missed.",
  )
  .option("--quick", "less of everything; prints, and writes no document")
  .option("--only <words...>", "sections, tables and contestants by their names; prints, and writes no document")
  .option("--json <file>", "writes every single figure into a file")
  .option("--write", "writes the document also with --quick; with --only, puts those sections into the recorded run")
  .option("--render", "measures nothing: writes the document anew out of docs/benchmarks/results.json")
  .parse()
  .opts<Options>();

async function run(): Promise<Results> {
  if (render) return recorded;
  const field = await gatherField();
  const bar = new SingleBar({
    format: "{bar} {percentage} % {duration_formatted} {what}",
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  bar.start(1, 0, { what: "" });
  try {
    return await measure(field, quick ? QUICK : FULL, only ?? [], (done, of, what) => {
      bar.setTotal(of);
      bar.update(done, { what });
    });
  } finally {
    bar.stop();
  }
}

// Before anything is measured: what cannot be read is known at once.
const recorded = await readResults();
const results = await run().catch((error: unknown) => {
  // A word of --only that names nothing: the message says it all.
  if (!(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exit(2);
});
if (json !== undefined) await writeFile(json, JSON.stringify(results));
const tables = Object.entries(tablesOf(results));
console.log([results.machine, ...tables.map(([name, table]) => `\n${name}\n\n${table}`)].join("\n"));
if (write || (quick !== true && only === undefined)) {
  const parts = only === undefined ? besideRecorded(results, recorded) : renew(recorded, results);
  await writeDocument(render ? recorded : parts);
  console.log("\nWritten to docs/BENCHMARKS.md.");
}
const missed = targetsOf(new Figures(results.samples)).filter((target) => isMet(target) === false);
for (const { what } of missed) console.log(`missed: ${what}`);
process.exitCode = missed.length === 0 ? 0 : 1;
