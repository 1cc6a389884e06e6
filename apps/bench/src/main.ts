// Measures everything, writes docs/BENCHMARKS.md, and exits with 1 when a target is missed; or compares two revisions. The
// options are in command-line.ts.
import { writeFile } from "node:fs/promises";
import { describeMachine, recordSection } from "@ipc-internal/stress";
import { SingleBar } from "cli-progress";
import { type Options, readOptions } from "./command-line.js";
import { choose, compare, comparisonTable, leaveOut, measureAgainst } from "./comparison.js";
import { gatherField } from "./contestant.js";
import { besideRecorded, readResults, renew, writeDocument } from "./document.js";
import { AS_USERS_RUN, describeStart, FIXED_MEMORY } from "./fixed-memory.js";
import { assertGuards, judge } from "./guard.js";
import { measure } from "./measure.js";
import { Figures } from "./results.js";
import { buildCommit, describeCommit, findCommit, hasChanges } from "./revision.js";
import type { Progress } from "./schedule.js";
import { comparedSections, FULL, QUICK } from "./section.js";
import { tablesOf, UNSETTLED } from "./tables.js";
import { isMet, targetsOf } from "./target.js";

const LEGEND = `${UNSETTLED}: the warm-up did not settle within its 20 windows in half of the rounds or more.`;

/** Even, so that each of two revisions is the first one in half of the rounds. */
const ROUNDS = 6;

async function measureField({ quick, only, json, render, write, rounds }: Options): Promise<void> {
  // Before anything is measured: a file that cannot be read is reported at once.
  const recorded = await readResults();
  const usual = quick ? QUICK : FULL;
  const pace = { ...usual, rounds: rounds ?? usual.rounds };
  const results = render
    ? recorded
    : await withProgress(async (progress) => measure(await gatherField(), pace, only ?? [], progress));
  if (json !== undefined) await writeFile(json, JSON.stringify(results));
  const tables = Object.entries(tablesOf(results));
  console.log([results.machine, LEGEND, ...tables.map(([name, table]) => `\n${name}\n\n${table}`)].join("\n"));
  if (write || (quick !== true && only === undefined)) {
    const parts = only === undefined ? besideRecorded(results, recorded) : renew(recorded, results);
    await writeDocument(render ? recorded : parts);
    console.log("\nWritten to docs/BENCHMARKS.md.");
  }
  const missed = targetsOf(new Figures(results.samples)).filter((target) => isMet(target) === false);
  for (const { what } of missed) console.log(`missed: ${what}`);
  process.exitCode = missed.length === 0 ? 0 : 1;
}

async function measureRevisions(
  against: string,
  { quick, only, asUsersRun, atLeast = [], record, rounds = ROUNDS }: Options,
): Promise<void> {
  const commit = findCommit(against);
  const wanted = choose(only ?? [], comparedSections(quick ? QUICK : FULL));
  assertGuards(wanted, atLeast);
  const names = `this:  ${describeCommit("HEAD")}${hasChanges() ? ", with uncommitted changes" : ""}
other: ${describeCommit(commit)}`;
  const folder = buildCommit(commit);
  const { choice, remarks } = leaveOut(folder, wanted);
  const machine = describeMachine();
  const start = asUsersRun ? AS_USERS_RUN : FIXED_MEMORY;
  const samples = await withProgress((progress) => measureAgainst(folder, choice, rounds, start, progress));
  const comparisons = compare(samples, choice.modes, rounds);
  const table = comparisonTable(comparisons, rounds);
  const below = judge(comparisons, atLeast);
  console.log(`
${machine}

${names}

this ÷ other, both measured one after the other within each round, with this revision's benchmark.
${describeStart(start)}
Rates are better above 1, times and bytes below 1. ${LEGEND}

${table}`);
  if (record === true) {
    const verdict = below.length === 0 ? "No median is below its ratio." : `Below: ${below.join("; ")}.`;
    recordSection("BENCHMARKS.md", "against", `${machine}\n\n\`\`\`text\n${names}\n\`\`\`\n\n${table}\n\n${verdict}`);
  }
  for (const remark of [...remarks, ...new Figures(samples).remarks()]) console.log(remark);
  for (const sentence of below) console.log(`below: ${sentence}`);
  process.exitCode = below.length > 0 || samples.some(({ outcome }) => "failed" in outcome) ? 1 : 0;
}

async function withProgress<Result>(work: (progress: Progress) => Promise<Result>): Promise<Result> {
  const bar = new SingleBar({
    format: "{bar} {percentage} % {duration_formatted} {what}",
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  bar.start(1, 0, { what: "" });
  try {
    return await work((done, of, what) => {
      bar.setTotal(of);
      bar.update(done, { what });
    });
  } finally {
    bar.stop();
  }
}

const options = readOptions(process.argv.slice(2));
try {
  await (options.against === undefined ? measureField(options) : measureRevisions(options.against, options));
} catch (error) {
  // An option that names nothing: its message is enough.
  if (!(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
