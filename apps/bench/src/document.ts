import { mkdir, readFile, writeFile } from "node:fs/promises";
import { plotsOf } from "./plots.js";
import type { Results } from "./results.js";
import { tablesOf } from "./tables.js";

const DOCUMENT = new URL("../../../docs/BENCHMARKS.md", import.meta.url);
const FOLDER = new URL("../../../docs/benchmarks/", import.meta.url);
const FIGURES = new URL("results.json", FOLDER);

/** Writes every table, plot and figure of a run where the reader looks for them. */
export async function writeDocument(results: Results): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await writeFile(FIGURES, `${JSON.stringify(results)}\n`);
  for (const [name, svg] of Object.entries(await plotsOf(results))) await writeFile(new URL(name, FOLDER), svg);
  await writeFile(DOCUMENT, fill(await readDocument(), results));
}

export function readDocument(): Promise<string> {
  return readFile(DOCUMENT, "utf8");
}

/** The run that the document tells of. */
export async function readResults(): Promise<Results> {
  return JSON.parse(await readFile(FIGURES, "utf8")) as Results;
}

/** Replaces what stands between the markers of each section. @throws Error when the document has no place for one */
export function fill(document: string, results: Results): string {
  const { machine, minutes, isQuick } = results;
  const pace = isQuick ? "A quick run: few rounds, so the figures say little." : "";
  const run = `${machine} It took ${Math.ceil(minutes)} minutes. ${pace}`.trim();
  const sections = { machine: run, ...tablesOf(results) };
  return Object.entries(sections).reduce((text, [name, content]) => {
    const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`docs/BENCHMARKS.md has no markers of ${name}`);
    return `${text.slice(0, from)}${begin}\n\n${content}\n\n${text.slice(to)}`;
  }, document);
}
