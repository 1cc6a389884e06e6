import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, type } from "node:os";

/** Where figures are kept, for readers who do not run the scripts. */
const DOCUMENT = new URL("../../../docs/ROBUSTNESS.md", import.meta.url);

/** Replaces the figures of one script in docs/ROBUSTNESS.md: no number there is typed by hand. */
export function recordFigures(name: string, figures: string): void {
  writeFileSync(DOCUMENT, replaceFigures(readFileSync(DOCUMENT, "utf8"), name, `${describeRun()}\n\n${figures}`));
}

/** Puts `figures` between the two marks of `name`. */
export function replaceFigures(document: string, name: string, figures: string): string {
  const from = `<!-- figures of ${name} -->\n`;
  const to = `<!-- end of ${name} -->\n`;
  const start = document.indexOf(from);
  const end = document.indexOf(to);
  if (start < 0 || end < start) throw new Error(`docs/ROBUSTNESS.md has no place for the figures of ${name}`);
  return `${document.slice(0, start + from.length)}\n${figures.trim()}\n\n${document.slice(end)}`;
}

function describeRun(): string {
  const day = new Date().toISOString().slice(0, 10);
  const cores = cpus();
  return `${day}, ${cores.length} × ${cores[0]?.model ?? "unknown processor"}, ${type()} ${release()}, Node.js ${process.version}.`;
}
