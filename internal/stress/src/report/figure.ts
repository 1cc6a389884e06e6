/** Writes a table in Markdown. The first column is text, the others are figures. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  const cells = rows.map((row) => row.map((value) => (typeof value === "number" ? groupDigits(value) : value)));
  return [head, rule, ...cells].map((row) => `| ${row.join(" | ")} |\n`).join("");
}

/** Writes how often each name was counted, the most frequent first. */
export function countTable(head: readonly [string, string], counts: Readonly<Record<string, number>>): string {
  return table(
    head,
    Object.entries(counts).sort(([, one], [, other]) => other - one),
  );
}

export function count(counts: Record<string, number>, name: string, times = 1): void {
  counts[name] = (counts[name] ?? 0) + times;
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** `1234567.8` → `1 234 568` */
export function groupDigits(value: number): string {
  return Math.round(value).toLocaleString("en-US").replaceAll(",", " ");
}

/** Bytes in KiB or MiB, with decimals. */
export function kib(bytes: number): string {
  return (bytes / 1_024).toFixed(1);
}

export function mib(bytes: number, decimals = 1): string {
  return (bytes / 1_048_576).toFixed(decimals);
}

/** The smallest of the values that so large a share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
