import { replaceSection } from "../../stress/src/report/document.js";
import { ARROWS } from "./arrows.js";
import { readManifest } from "./source-tree.js";

/** Returns `document` with its section `arrows` drawn anew from the table of arrows. */
export function drawArrows(document: string): string {
  const note = "Drawn by `npm run reports` from arrows.ts:";
  return replaceSection(document, "arrows", `${note}\n\n${packageTable()}\n\n${diagram()}`);
}

function packageTable(): string {
  const rows = Object.entries(ARROWS).map(([name, arrows]) => {
    const imports = [...arrows.runtime, ...arrows.typesOnly.map((other) => `${other} (types)`)];
    const cells = [`@ipc/${name}`, readManifest(`packages/${name}`).description, list(imports), list(arrows.builtins)];
    return `| ${cells.join(" | ")} |`;
  });
  return ["| package | what it is | imports | Node built-ins |", "|---|---|---|---|", ...rows].join("\n");
}

function diagram(): string {
  const lines = Object.entries(ARROWS).flatMap(([name, { runtime, typesOnly }]) => [
    `  ${name}["@ipc/${name}"]`,
    ...runtime.map((other) => `  ${name} --> ${other}`),
    ...typesOnly.map((other) => `  ${name} -. types .-> ${other}`),
  ]);
  return ["```mermaid", "flowchart TD", ...lines, "```"].join("\n");
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
