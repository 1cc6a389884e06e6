import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { absoluteLinks, DECISIONS, decidedRepository, listUndecided, releaseFields } from "./release-metadata.mjs";
import { UNVERSIONED } from "./release-packages.mjs";
import { ROOT } from "./section.mjs";

const ADDRESS = "https://example.org/owner/ipc";

/** Stands for decisions that are not made. */
const SAMPLE = { REPOSITORY: ADDRESS, CONTACT: "mailto:conduct@example.org" };

const manifests = readdirSync(join(ROOT, "packages")).map((name) => {
  return JSON.parse(readFileSync(join(ROOT, "packages", name, "package.json"), "utf8"));
});

test("what is decided is well formed, and everything is decided before the packages get a version", () => {
  const mayWait = manifests.every(({ version }) => version === UNVERSIONED);
  const decided = Object.fromEntries(Object.entries(DECISIONS).filter(([, value]) => value !== undefined));
  expect(listUndecided(mayWait ? { ...SAMPLE, ...decided } : DECISIONS)).toEqual([]);
});

test("CODE_OF_CONDUCT.md names the contact, or the place where it goes", () => {
  const text = readFileSync(join(ROOT, "CODE_OF_CONDUCT.md"), "utf8");
  expect(text).toContain(DECISIONS.CONTACT ?? "[INSERT CONTACT METHOD]");
});

const PLACES = [
  "REPOSITORY in scripts/release-metadata.mjs: repository, homepage and bugs in each package.json, and the links of the READMEs",
  "CONTACT in scripts/release-metadata.mjs: the place of [INSERT CONTACT METHOD] in CODE_OF_CONDUCT.md",
];

it("names what must be filled in before a release, and where", () => {
  expect(listUndecided({ REPOSITORY: undefined, CONTACT: undefined })).toEqual(PLACES);
  expect(listUndecided(SAMPLE)).toEqual([]);
});

it.each(["http://example.org/a/ipc", "https://example.org/ipc", `${ADDRESS}.git`, `${ADDRESS}/`, `git+${ADDRESS}`])(
  "names the form of an address of the repository when it is %s",
  (REPOSITORY) => {
    const form = "; it must be like https://github.com/OWNER/NAME";
    expect(listUndecided({ ...SAMPLE, REPOSITORY })).toEqual([`${PLACES[0]}${form}`]);
  },
);

it("gives the repository's address, and throws while something is undecided", () => {
  expect(decidedRepository(SAMPLE)).toBe(ADDRESS);
  expect(() => decidedRepository({ ...SAMPLE, CONTACT: undefined })).toThrow(
    `a release needs decisions; fill in:\n  ${PLACES[1]}`,
  );
});

it("makes repository, homepage and bugs from the repository's address", () => {
  expect(releaseFields("packages/client", ADDRESS)).toEqual({
    repository: { type: "git", url: "git+https://example.org/owner/ipc.git", directory: "packages/client" },
    homepage: "https://example.org/owner/ipc/tree/main/packages/client#readme",
    bugs: "https://example.org/owner/ipc/issues",
  });
});

it("makes relative links absolute, and leaves others", () => {
  const markdown = "[a](../../docs/WIRE.md#frames) [b](src/x.ts) [c](https://example.com/a) [d](#below)";
  expect(absoluteLinks(markdown, "packages/client", ADDRESS)).toBe(
    "[a](https://example.org/owner/ipc/blob/main/docs/WIRE.md#frames) " +
      "[b](https://example.org/owner/ipc/blob/main/packages/client/src/x.ts) [c](https://example.com/a) [d](#below)",
  );
});

describe.each(manifests)("$name", ({ description, keywords, license, author, engines, publishConfig }) => {
  test("says what users and npm's search want to know", () => {
    expect(description).toMatch(/^[A-Z].{20,}\.$/);
    expect(keywords).toEqual(expect.arrayContaining(["ipc", "golang-ipc"]));
    expect({ license, author, engines, publishConfig }).toEqual({
      license: "MIT",
      author: "the @ipc authors",
      engines: { node: ">=20.19.0" },
      publishConfig: { access: "public" },
    });
  });
});
