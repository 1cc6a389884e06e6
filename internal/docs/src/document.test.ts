import { expect, test } from "vitest";
import { isForUsers, listDocuments, readDocument } from "./document.js";

test("finds the documents of the top, of docs and of each package", () => {
  const paths = listDocuments();
  expect(paths).toEqual(expect.arrayContaining(["README.md", "docs/WIRE.md", "packages/framing/README.md"]));
  expect(paths.filter((path) => path.includes("node_modules"))).toEqual([]);
});

test("treats README, docs and package READMEs as documents for users", () => {
  expect(["README.md", "docs/adr/x.md", "packages/client/README.md"].every(isForUsers)).toBe(true);
  expect(["CONTRIBUTING.md", "internal/x/README.md"].some(isForUsers)).toBe(false);
});

test("gives the line, words and code of a fence, and leaves it out of the prose", () => {
  const { fences, prose } = readDocument("README.md");
  const [fence] = fences.filter(({ words }) => words.includes("server.mjs"));
  expect(fence).toMatchObject({ document: "README.md", words: ["js", "server.mjs"] });
  expect(fence?.code).toMatch(/^import .*\n/);
  expect(prose[(fence?.line ?? 0) - 1]).toBe("");
});
