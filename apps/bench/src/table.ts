import { markdownTable } from "markdown-table";

/** A table in Markdown whose first column is text and whose others are figures. */
export function table(head: string[], rows: string[][]): string {
  return markdownTable([head, ...rows], { align: head.map((_, column) => (column === 0 ? "l" : "r")) });
}
