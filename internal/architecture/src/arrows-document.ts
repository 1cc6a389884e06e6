import { ARROWS } from "./arrows.js";
import { readManifest } from "./source-tree.js";

const BEGIN = "<!-- arrows: written by `npm run reports`, do not edit -->";
const END = "<!-- /arrows -->";

/**
 * Returns `document` with what lies between its two markers drawn anew from the table of arrows.
 * @throws Error when the markers are not there, once each and in this order.
 */
export function drawArrows(document: string): string {
  const [before, middle, ...more] = document.split(BEGIN);
  const [, after, ...evenMore] = middle?.split(END) ?? [];
  if (before === undefined || after === undefined || more.length + evenMore.length > 0) {
    throw new Error(`the document needs one line ${BEGIN} and below it one line ${END}`);
  }
  return `${before}${BEGIN}\n\n${packageTable()}\n\n${diagram()}\n\n${END}${after}`;
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
