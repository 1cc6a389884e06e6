import { basename } from "node:path";
import { filesUnder, readText } from "../../architecture/src/source-tree.js";

const FENCE = /^(`{3,})(.*)$/;

/** A fenced block of code. */
export interface Fence {
  readonly document: string;
  /** The number of its first line of code, counted from 1. */
  readonly line: number;
  /** The words behind the opening backticks: `js`, `run`. */
  readonly words: readonly string[];
  readonly code: string;
}

/** A Markdown file, its path relative to the top and with `/`. */
export interface Document {
  readonly path: string;
  /** Its lines; those within fences, and the fences, are empty. */
  readonly prose: readonly string[];
  readonly fences: readonly Fence[];
}

/** Reads one Markdown file, named relative to the top. */
export function readDocument(path: string): Document {
  const prose: string[] = [];
  const fences: Fence[] = [];
  let open: { readonly marks: string; readonly words: string[]; readonly from: number } | undefined;
  const lines = readText(path).split("\n");
  lines.forEach((line, index) => {
    const [, marks, info = ""] = FENCE.exec(line) ?? [];
    if (open === undefined && marks !== undefined) {
      open = { marks, words: info.trim().split(/\s+/), from: index + 1 };
    } else if (open !== undefined && marks === open.marks && info.trim() === "") {
      const code = `${lines.slice(open.from, index).join("\n")}\n`;
      fences.push({ document: path, line: open.from + 1, words: open.words, code });
      open = undefined;
    } else if (open === undefined) {
      prose[index] = line;
      return;
    }
    prose[index] = "";
  });
  if (open !== undefined) throw new Error(`${path}:${open.from}: this fence is never closed`);
  return { path, prose, fences };
}

/** Lists every Markdown file of the workspace; what a dot hides is not looked at. */
export function listDocuments(): string[] {
  return filesUnder("", [".md"]).filter((path) => !path.startsWith("."));
}

/** Tells the documents whose snippets a reader may copy. What lies in docs/api is written by a tool: declarations. */
export function isForUsers(path: string): boolean {
  if (path.startsWith("docs/")) return !path.startsWith("docs/api/");
  return path === "README.md" || (path.startsWith("packages/") && basename(path) === "README.md");
}
