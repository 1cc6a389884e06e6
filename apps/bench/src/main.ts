// Measures everything and writes docs/BENCHMARKS.md. usage: main.js [--quick] [--only NAMES] [--json FILE]
import { writeFile } from "node:fs/promises";
import { SingleBar } from "cli-progress";
import { Command } from "commander";
import { gatherField } from "./contestant.js";
import { measureAll } from "./schedule.js";
import { FULL, QUICK, sectionsOf } from "./section.js";

interface Options {
  readonly quick?: boolean;
  readonly only?: readonly string[];
  readonly json?: string;
}

const options = new Command("bench")
  .option("--quick", "less of everything, in about a minute; prints, and writes no document")
  .option("--only <names...>", "sections or contestants; prints, and writes no document")
  .option("--json <file>", "writes every single figure there")
  .parse()
  .opts<Options>();

const { only, quick, json } = options;
const isWanted = (name: string, among: readonly string[]): boolean => {
  const wanted = only?.filter((word) => among.some((other) => other.includes(word))) ?? [];
  return wanted.length === 0 || wanted.some((word) => name.includes(word));
};
const field = await gatherField();
const names = field.contestants.map(({ name }) => name);
const all = sectionsOf(quick ? QUICK : FULL);
const sectionNames = all.map(({ name }) => name);
const sections = all.filter(({ name }) => isWanted(name, sectionNames));
const contestants = field.contestants.filter(({ name }) => isWanted(name, names));
const bar = new SingleBar({ format: "{bar} {value}/{total} {duration_formatted} {what}", hideCursor: true });
bar.start(1, 0, { what: "" });
const samples = await measureAll(sections, contestants, (done, of, what) => {
  bar.setTotal(of);
  bar.update(done, { what });
});
bar.stop();
if (json !== undefined) await writeFile(json, JSON.stringify({ notRun: field.notRun, samples }, undefined, 1));
for (const { section, at, contestant, outcome } of samples) {
  console.log(section, at, contestant, JSON.stringify("figures" in outcome ? outcome.figures : outcome));
}
