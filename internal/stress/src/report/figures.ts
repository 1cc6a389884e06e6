import { readFile, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";

const DOCUMENT = new URL("../../../docs/SCALE.md", import.meta.url);
const GIB = 1_073_741_824;

/** What a script has to say, in Markdown, and whether every target was met. */
export interface Section {
  readonly lines: readonly string[];
  readonly met: boolean;
}

/** Replaces what stands between the markers of a section in docs/SCALE.md. */
export async function writeSection(name: string, lines: readonly string[]): Promise<void> {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const text = await readFile(DOCUMENT, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/SCALE.md has no markers of ${name}`);
  const section = `${begin}\n\n${lines.join("\n")}\n\n`;
  await writeFile(DOCUMENT, text.slice(0, from) + section + text.slice(to));
}

/** The machine, and how busy it is, in a line. Call it before measuring. */
export function describeMachine(): string {
  const cores = cpus();
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const day = new Date().toISOString().slice(0, 10);
  return (
    `Measured on ${day}: ${cores.length} × ${cores[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / GIB)} GiB, ` +
    `${type()} ${release()}, Node ${process.version}, load average ${load} before the run.`
  );
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

/** `1234567.8` → `1 234 568` */
export function grouped(figure: number): string {
  return Math.round(figure)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, " ");
}

/** Bytes in KiB, with a decimal. */
export function kib(bytes: number): string {
  return (bytes / 1_024).toFixed(1);
}

export function wire(encryption: boolean): string {
  return encryption ? "secure" : "plain";
}

/** Least, middle and greatest. */
export function spreadOf(figures: readonly number[]): { least: number; median: number; greatest: number } {
  const sorted = [...figures].sort((a, b) => a - b);
  return { least: sorted[0] ?? 0, median: sorted[sorted.length >> 1] ?? 0, greatest: sorted.at(-1) ?? 0 };
}
