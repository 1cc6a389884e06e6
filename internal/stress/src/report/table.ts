/** Writes a table in Markdown. The first column is text, the others are figures. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  const cells = rows.map((row) => row.map((value) => (typeof value === "number" ? groupDigits(value) : value)));
  return [head, rule, ...cells].map((row) => `| ${row.join(" | ")} |\n`).join("");
}

/** Writes a number in groups of three digits. */
export function groupDigits(value: number): string {
  return value.toLocaleString("en-US").replaceAll(",", " ");
}
