import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { ROOT } from "./tarball.js";

/** Inline links and images, definitions of references, and attributes of HTML. */
const TARGETS = [/\]\(([^)\s]+)/g, /^\s*\[[^\]]+\]:\s+(\S+)/gm, /(?:href|src)="([^"]+)"/g];
const FENCE = /^(`{3,}).*?^\1$/gms;

/** Returns the links of a Markdown text, without those in fences of code. */
export function listLinks(markdown: string): string[] {
  const prose = markdown.replaceAll(FENCE, "");
  return TARGETS.flatMap((target) => [...prose.matchAll(target)].map(([, link = ""]) => link));
}

/**
 * Tells whether a link works on npm's page of a package, which has no files of the repository beside it: it leads into the page, to
 * a file of the tarball, or elsewhere on the web; into the repository only to what is there.
 * @param files of the tarball
 * @param repository its address
 */
export function worksOnNpm(link: string, files: readonly string[], repository: string): boolean {
  const [path = ""] = link.split("#");
  if (path === "") return true;
  if (!/^[a-z]+:/.test(path)) return files.includes(posix.normalize(path));
  const [, inRepository] = path.split(`${repository}/blob/main/`);
  return /^(https|mailto):/.test(path) && (inRepository === undefined || existsSync(join(ROOT, inRepository)));
}
