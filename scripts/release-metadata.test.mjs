import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { absoluteLinks, DECISIONS, listUndecided, releaseFields } from "./release-metadata.mjs";
import { ROOT } from "./section.mjs";

const ADDRESS = "https://example.org/ipc";

const undecided = listUndecided(DECISIONS);
const why = undecided.length === 0 ? "" : ` (skipped, to fill in: ${undecided.join("; ")})`;

test.skipIf(undecided.length > 0)(`everything that a release needs is decided${why}`, () => {
  expect(undecided).toEqual([]);
});

test("CODE_OF_CONDUCT.md names the contact, or the place where it goes", () => {
  const text = readFileSync(join(ROOT, "CODE_OF_CONDUCT.md"), "utf8");
  expect(text).toContain(DECISIONS.CONTACT ?? "[INSERT CONTACT METHOD]");
});

it("names what must be filled in before a release, and where", () => {
  expect(listUndecided({ REPOSITORY: undefined, CONTACT: undefined })).toEqual([
    "REPOSITORY in scripts/release-metadata.mjs: repository, homepage and bugs in each package.json, and the links of the READMEs",
    "CONTACT in scripts/release-metadata.mjs: the place of [INSERT CONTACT METHOD] in CODE_OF_CONDUCT.md",
  ]);
  expect(listUndecided({ REPOSITORY: ADDRESS, CONTACT: "mailto:conduct@example.org" })).toEqual([]);
});

test.skipIf(undecided.length === 0)("prepare-release says what is undecided, exits with 1 and changes nothing", () => {
  const manifest = join(ROOT, "packages", "client", "package.json");
  const before = readFileSync(manifest, "utf8");
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "prepare-release.mjs")], {
    encoding: "utf8",
  });
  expect(stderr).toBe(`a release needs decisions; fill in:\n${undecided.map((line) => `  ${line}\n`).join("")}`);
  expect(status).toBe(1);
  expect(readFileSync(manifest, "utf8")).toBe(before);
});

it("makes repository, homepage and bugs from the repository's address", () => {
  expect(releaseFields("packages/client", ADDRESS)).toEqual({
    repository: { type: "git", url: "git+https://example.org/ipc.git", directory: "packages/client" },
    homepage: "https://example.org/ipc/tree/main/packages/client#readme",
    bugs: "https://example.org/ipc/issues",
  });
});

it("makes relative links absolute, and leaves others", () => {
  const markdown = "[a](../../docs/WIRE.md#frames) [b](src/x.ts) [c](https://example.com/a) [d](#below)";
  expect(absoluteLinks(markdown, "packages/client", ADDRESS)).toBe(
    "[a](https://example.org/ipc/blob/main/docs/WIRE.md#frames) [b](https://example.org/ipc/blob/main/packages/client/src/x.ts) " +
      "[c](https://example.com/a) [d](#below)",
  );
});

describe.each(readdirSync(join(ROOT, "packages")))("packages/%s", (name) => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "packages", name, "package.json"), "utf8"));

  test("says what users and npm's search want to know", () => {
    const { description, keywords, license, author, engines, publishConfig } = manifest;
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
