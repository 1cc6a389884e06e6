import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { absoluteLinks, REPOSITORY, releaseFields } from "./release-metadata.mjs";
import { ROOT } from "./section.mjs";

const ADDRESS = "https://example.org/ipc";

it("names what must be decided before a release, and changes nothing", () => {
  expect(REPOSITORY).toBeUndefined();
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "prepare-release.mjs")], {
    encoding: "utf8",
  });
  expect(stderr).toBe(
    "a release needs the address of the repository: set REPOSITORY in scripts/release-metadata.mjs (repository, homepage, bugs)\n",
  );
  expect(status).toBe(1);
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
