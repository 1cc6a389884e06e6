import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";

const DOCUMENTS = new URL("../../../../docs/", import.meta.url);
const GIB = 1_073_741_824;

/** Replaces the section `name` of a page of docs/, such as `SCALE.md`. No figure there is typed by hand. */
export function recordSection(page: string, name: string, content: string): void {
  const path = new URL(page, DOCUMENTS);
  writeFileSync(path, replaceSection(readFileSync(path, "utf8"), name, content));
}

/** Puts `content` between the two markers of the section `name`. @throws Error when the document has not one pair of them */
export function replaceSection(document: string, name: string, content: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [before, old, ...more] = document.split(begin);
  const [, after, ...others] = old?.split(end) ?? [];
  if (after === undefined || more.length + others.length > 0)
    throw new Error(`the document needs one pair of markers of ${name}`);
  return `${before}${begin}\n\n${content.trim()}\n\n${end}${after}`;
}

/** The machine, and how busy it is, in a line. Call it before measuring. */
export function describeMachine(): string {
  const cores = cpus();
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const [day, time] = new Date().toISOString().split("T") as [string, string];
  return (
    `Measured on ${day} from ${time.slice(0, 5)} UTC on: ${cores.length} × ${cores[0]?.model ?? "unknown processor"}, ` +
    `${Math.round(totalmem() / GIB)} GiB, ${type()} ${release()}, Node ${process.version}, load average ${load} before the run.`
  );
}
