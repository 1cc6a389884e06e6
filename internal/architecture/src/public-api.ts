import { posix } from "node:path";
import { parseSync } from "oxc-parser";
import { listImports } from "./import-list.js";
import { readText } from "./source-tree.js";

/**
 * Renders, as Markdown, the declarations that a package's users can reach: its built index.d.ts, then every file that
 * this one names, directly or through others, sorted by name; without comments.
 */
export function renderPublicApi(name: string): string {
  const dist = `packages/${name}/dist`;
  const reached = new Set(["index.d.ts"]);
  for (const file of reached) {
    for (const { specifier } of listImports(file, readText(`${dist}/${file}`))) {
      if (specifier.startsWith(".")) {
        reached.add(posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".d.ts"));
      }
    }
  }
  const [index, ...others] = reached;
  const files = [index as string, ...others.sort()];
  const sections = files.map((file) => {
    return `## ${file}\n\n\`\`\`ts\n${withoutComments(file, readText(`${dist}/${file}`))}\`\`\`\n`;
  });
  return [`# Public API of @ipc/${name}\n`, ...sections].join("\n");
}

function withoutComments(file: string, text: string): string {
  let kept = "";
  let at = 0;
  for (const { start, end } of parseSync(file, text).comments) {
    kept += text.slice(at, start);
    at = end;
  }
  const lines = (kept + text.slice(at)).split("\n").map((line) => line.trimEnd());
  return `${lines.filter((line) => line !== "").join("\n")}\n`;
}
