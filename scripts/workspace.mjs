// node scripts/workspace.mjs SECTION... [--FLAG...]: runs the sections in this order and stops at the first failure.
import { SectionFailed } from "./section.mjs";
import { SECTIONS } from "./sections.mjs";

const words = process.argv.slice(2);
const flags = words.filter((word) => word.startsWith("--"));
const sections = new Map(Object.entries(SECTIONS));
const started = performance.now();

try {
  for (const name of words.filter((word) => !word.startsWith("--"))) {
    const section = sections.get(name);
    if (section === undefined)
      throw new SectionFailed(`no section ${name}; there are ${[...sections.keys()].join(", ")}`);
    await section(flags);
  }
  console.log(`all in ${((performance.now() - started) / 1_000).toFixed(1)} s`);
} catch (error) {
  if (!(error instanceof SectionFailed)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
