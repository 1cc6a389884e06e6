import { expect, it } from "vitest";
import { listLinks, worksOnNpm } from "./markdown-link.js";

const REPOSITORY = "https://repository.example/ipc";

it("finds inline links, images, references and HTML, and leaves code alone", () => {
  const markdown = [
    "[a](one.md#x) and ![b](two.svg)",
    "[c]: three.md",
    '<a href="four.md"><img src="five.png"></a>',
    "```md\n[d](six.md)\n```",
  ].join("\n");
  expect(listLinks(markdown).sort()).toEqual(["five.png", "four.md", "one.md#x", "three.md", "two.svg"]);
});

it.each([
  "#below",
  "LICENSE",
  "./dist/index.js",
  "https://nodejs.org/api/",
  `${REPOSITORY}/blob/main/docs/WIRE.md#frames`,
])("accepts %s", (link) => {
  expect(worksOnNpm(link, ["LICENSE", "dist/index.js"], REPOSITORY)).toBe(true);
});

it.each(["../../docs/WIRE.md", "docs/WIRE.md#frames", "http://nodejs.org", `${REPOSITORY}/blob/main/docs/ABSENT.md`])(
  "rejects %s",
  (link) => {
    expect(worksOnNpm(link, ["LICENSE", "dist/index.js"], REPOSITORY)).toBe(false);
  },
);
