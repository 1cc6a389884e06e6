import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { filesUnder, ROOT, readText } from "../../architecture/src/source-tree.js";
import { type Document, listDocuments, readDocument } from "./document.js";

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const HEADING = /^#{1,6} (.+)$/;
/** Names a file of the workspace in a docstring, and perhaps a heading: `@see docs/WIRE.md, "AUTH"`. */
const SEE = /@see ((?:docs|packages|internal)\/\S+?\.\w+)(?:, "([^"]+)")?/g;
const CODE = /`[^`]*`/g;

/** Makes the fragment that leads to a heading, as GitHub does. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

function fragmentsOf({ prose }: Document): string[] {
  return prose.flatMap((line) => HEADING.exec(line)?.[1] ?? []).map(slug);
}

function linksOf({ prose }: Document): string[] {
  const targets = prose.flatMap((line) =>
    [...line.replaceAll(CODE, "code").matchAll(LINK)].map(([, target]) => target),
  );
  return targets.filter((target): target is string => target !== undefined && !/^[a-z]+:/.test(target));
}

/** The file that a document's link leads to, relative to the top. */
function targetOf(path: string, file: string): string {
  if (file === "") return path;
  // GitHub shows a template on the page of a pull request, from which `../blob/main` has the files.
  if (path.startsWith(".github/")) return posix.relative("../blob/main", file);
  // A changeset becomes a part of a package's changelog.
  if (path.startsWith(".changeset/")) return posix.join("packages/client", file);
  return posix.join(posix.dirname(path), file);
}

const documents = [...listDocuments(), ...filesUnder(".github", [".md"]), ...filesUnder(".changeset", [".md"])];

describe.each(documents)("%s", (path) => {
  const document = readDocument(path);

  test("links to files that exist, and to headings that they have", () => {
    const isDead = (link: string): boolean => {
      const [file = "", fragment] = link.split("#");
      const target = targetOf(path, file);
      if (!existsSync(join(ROOT, target))) return true;
      return fragment !== undefined && !fragmentsOf(readDocument(target)).includes(fragment);
    };
    expect(linksOf(document).filter(isDead)).toEqual([]);
  });
});

test("README.md links to every document of the top and of docs/", () => {
  const documents = listDocuments().filter((path) => /^(docs\/)?[A-Z_]+\.md$/.test(path) && path !== "README.md");
  const links = linksOf(readDocument("README.md")).map((link) => link.split("#")[0]);
  expect(documents.length).toBeGreaterThan(10);
  expect(documents.filter((path) => !links.includes(path))).toEqual([]);
});

test("docstrings name files that exist, and headings that they have", () => {
  const sees = filesUnder("packages", [".ts"]).flatMap((source) =>
    [...readText(source).matchAll(SEE)].map(([text, file = "", heading]) => ({ source, text, file, heading })),
  );
  const isDead = ({ file, heading }: (typeof sees)[number]): boolean =>
    !existsSync(join(ROOT, file)) ||
    (heading !== undefined && !fragmentsOf(readDocument(file)).includes(slug(heading)));
  expect(sees.length).toBeGreaterThan(5);
  expect(sees.filter(isDead)).toEqual([]);
});
