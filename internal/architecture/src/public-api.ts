import { posix } from "node:path";
import { parseSync } from "oxc-parser";
import { listImports } from "./import-list.js";
import { entryPointsOf, readText } from "./source-tree.js";

/**
 * Renders, as Markdown, the declarations that a package's users can reach: the declarations of its entry points, then every
 * file that these name, directly or through others, sorted by name; without comments.
 */
export function renderPublicApi(name: string): string {
  const dist = `packages/${name}/dist`;
  const entryPoints = entryPointsOf(name).map((file) => file.replace(/\.ts$/, ".d.ts"));
  const reached = new Set(entryPoints);
  for (const file of reached) {
    for (const { specifier } of listImports(file, readText(`${dist}/${file}`))) {
      if (specifier.startsWith(".")) {
        reached.add(posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".d.ts"));
      }
    }
  }
  const files = [...entryPoints, ...[...reached].filter((file) => !entryPoints.includes(file)).sort()];
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
