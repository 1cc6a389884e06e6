import { mkdir, readFile, writeFile } from "node:fs/promises";
import { replaceSection } from "@ipc-internal/stress";
import { plotsOf } from "./plots.js";
import { packRun, unpackRun } from "./record.js";
import { Figures, type Results } from "./results.js";
import { tablesOf } from "./tables.js";
import { targetsOf } from "./target.js";

const DOCUMENT = new URL("../../../docs/BENCHMARKS.md", import.meta.url);
const FOLDER = new URL("../../../docs/benchmarks/", import.meta.url);
const FIGURES = new URL("figures.json", FOLDER);

/** Writes the tables, the plots and the recorded figures of a run: what the document shows is out of the recorded figures. */
export async function writeDocument(run: Results): Promise<void> {
  const results = unpackRun(packRun(run));
  await mkdir(FOLDER, { recursive: true });
  await writeFile(FIGURES, packRun(results));
  for (const [name, svg] of Object.entries(await plotsOf(results))) await writeFile(new URL(name, FOLDER), svg);
  await writeFile(DOCUMENT, fill(await readDocument(), results));
}

export function readDocument(): Promise<string> {
  return readFile(DOCUMENT, "utf8");
}

/** The run that the document tells of. */
export async function readResults(): Promise<Results> {
  return unpackRun(await readFile(FIGURES, "utf8"));
}

/**
 * Puts what came of the targets in the recorded run beside those of a new one: one run alone may have had a good day. A quick
 * run is not worth that.
 */
export function besideRecorded(results: Results, recorded: Results): Results {
  if (recorded.isQuick) return { ...results, before: recorded.before };
  const { machine, stolen, samples } = recorded;
  const values = targetsOf(new Figures(samples)).flatMap(({ what, value }) =>
    value === undefined ? [] : [[what, value]],
  );
  return { ...results, before: { machine, stolen, values: Object.fromEntries(values) } };
}

/** Puts sections that were measured anew into the recorded run. @throws TypeError when a contestant is missing */
export function renew(recorded: Results, fresh: Results): Results {
  const contestants = recorded.contestants.map(({ name }) => name).join();
  if (fresh.contestants.map(({ name }) => name).join() !== contestants || fresh.isQuick !== recorded.isQuick)
    throw new TypeError("only whole sections, by all contestants, at the recorded pace, are put into the document");
  const sections = new Set(fresh.samples.map(({ section }) => section));
  const names = [...sections, ...(fresh.systemCalls ? ["system calls"] : []), ...(fresh.profiles ? ["profile"] : [])];
  return {
    ...recorded,
    samples: [...recorded.samples.filter(({ section }) => !sections.has(section)), ...fresh.samples],
    systemCalls: fresh.systemCalls ?? recorded.systemCalls,
    profiles: fresh.profiles ?? recorded.profiles,
    renewed: { ...recorded.renewed, ...Object.fromEntries(names.map((name) => [name, fresh.machine])) },
  };
}

/** Replaces what stands between the markers of each section. @throws Error when the document has no place for one */
export function fill(document: string, results: Results): string {
  const { machine, minutes, rounds, stolen, isQuick, before, renewed } = results;
  const pace = isQuick ? "A quick run: few rounds, so the figures say little." : "";
  const often = rounds === undefined ? "" : `, with ${rounds} rounds of most measurements`;
  const lines = [
    `${machine} It took ${Math.ceil(minutes)} minutes${often}. ${othersText(stolen)} ${pace}`
      .replaceAll(/ +/g, " ")
      .trim(),
  ];
  for (const [section, anew] of Object.entries(renewed ?? {})) lines.push(`${section}, anew: ${anew}`);
  if (before !== undefined) lines.push(`The run before: ${before.machine} ${othersText(before.stolen)}`.trim());
  const sections = { machine: lines.join("\n\n"), ...tablesOf(results) };
  return Object.entries(sections).reduce((text, [name, content]) => replaceSection(text, name, content), document);
}

function othersText(stolen: number | undefined): string {
  if (stolen === undefined) return "";
  return `Meanwhile other machines on the same host took ${(stolen * 100).toFixed(0)} % of the processors' time.`;
}
