import { expect, test } from "vitest";
import { listImports } from "../../architecture/src/import-list.js";
import { readText } from "../../architecture/src/source-tree.js";
import { listSnippets } from "./snippet.js";

const README = /(?:^|\/)README\.md$/;
const INSTALL = /\bnpm i((?: @ipc\/[a-z]+)+)/g;

const snippets = listSnippets().filter(({ fence }) => README.test(fence.document));
const documents = [...new Set(snippets.map(({ fence }) => fence.document))];

// npm finds a package that another one depends on, and pnpm does not.
test.each(documents)("%s says to install each package that its snippets import", (path) => {
  const installed = [...readText(path).matchAll(INSTALL)].flatMap(([, names = ""]) => names.trim().split(" "));
  const imported = snippets
    .filter(({ fence }) => fence.document === path)
    .flatMap(({ file, fence }) => listImports(file, fence.code))
    .map(({ specifier }) => /^@ipc\/\w+/.exec(specifier)?.[0] ?? "");
  expect(imported.length).toBeGreaterThan(0);
  expect([...new Set(imported)].filter((name) => name !== "" && !installed.includes(name))).toEqual([]);
});
