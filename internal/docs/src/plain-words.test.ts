import { describe, expect, test } from "vitest";
import { readText } from "../../architecture/src/source-tree.js";
import { complaintsOf, listTexts } from "./plain-words.js";

/** These two files name the forbidden words. */
const CHECK = /^internal\/docs\/src\/plain-words(\.test)?\.ts$/;

const linesOf = (text: string): string[] =>
  complaintsOf("a.md", text).map((complaint) => complaint.split(": ")[0] ?? "");

describe("the check of words", () => {
  test.each(["Whoever", "nobody", "NOBODY", "somebody", "everybody", "he", "his", "him"])(
    "rejects %s and names the file, the line and the rule",
    (word) => {
      expect(complaintsOf("docs/a.md", `one\ntwo ${word} three`)).toEqual([
        `docs/a.md:2: "${word}" is a pronoun of a person; name the client, server, peer, caller or connection`,
      ]);
    },
  );

  test.each(["The client who connects", "(who) => who.length", "_who", "who comes?", "a reader-writer, who"])(
    "rejects who without a word for people before it: %s",
    (text) => {
      expect(linesOf(text)).toContain("a.md:1");
    },
  );

  test.each([
    "A user who writes",
    "users who write",
    "An attacker who cuts",
    "the people who test",
    "someone who reads",
    " * a reader\n * who copies",
    "// developers\n  // who test",
  ])("allows who after a word for people: %s", (text) => {
    expect(linesOf(text)).toEqual([]);
  });

  test.each(["whole", "whose", "the", "this", "history", "she11", "nobodyish", "hehe"])(
    "accepts %s, which only contains a word",
    (text) => {
      expect(linesOf(text)).toEqual([]);
    },
  );

  test("reports every hit, also several in a line", () => {
    expect(linesOf("he and him\n\nwho")).toEqual(["a.md:1", "a.md:1", "a.md:3"]);
  });

  test("covers sources, programs, documents, manifests and changesets", () => {
    const kinds = listTexts().map((path) => path.split(".").at(-1));
    expect([...new Set(kinds)]).toEqual(expect.arrayContaining(["ts", "mjs", "go", "json", "md"]));
    expect(listTexts()).toEqual(expect.arrayContaining(["README.md", ".changeset/config.json", ".ci/run"]));
    expect(listTexts().filter((path) => /(^|\/)(node_modules|dist)\//.test(path))).toEqual([]);
  });
});

test("sources and documents have no pronouns of persons for software", () => {
  const texts = listTexts().filter((path) => !CHECK.test(path));
  expect(texts.flatMap((path) => complaintsOf(path, readText(path)))).toEqual([]);
});
