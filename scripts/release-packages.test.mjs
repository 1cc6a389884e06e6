import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readRelease, requireRelease } from "./release-packages.mjs";

/**
 * Makes a workspace of packages, each with a version and the names of those that it depends on.
 * @param {Record<string, [version: string, ...dependencies: string[]]>} packages
 */
function makeWorkspace(packages) {
  const root = mkdtempSync(join(tmpdir(), "ipc-packages-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [folder, [version, ...names]] of Object.entries(packages)) {
    const dependencies = Object.fromEntries(names.map((name) => [name, "workspace:*"]));
    mkdirSync(join(root, "packages", folder), { recursive: true });
    const manifest = { name: `@ipc/${folder}`, version, dependencies };
    writeFileSync(join(root, "packages", folder, "package.json"), JSON.stringify(manifest));
  }
  return root;
}

it("lists the packages in the order in which they can be published", async () => {
  const root = makeWorkspace({
    a: ["1.2.3", "@ipc/c", "@ipc/b"],
    b: ["1.2.3", "@ipc/c", "elsewhere"],
    c: ["1.2.3"],
  });
  expect(await readRelease(root)).toEqual({ version: "1.2.3", names: ["@ipc/c", "@ipc/b", "@ipc/a"] });
});

it("leaves out a package that has no version yet", async () => {
  const root = makeWorkspace({ a: ["1.2.3"], b: ["0.0.0"] });
  expect(await requireRelease(root)).toEqual({ version: "1.2.3", names: ["@ipc/a"] });
});

it("finds no release, and throws where one is required, before the first version", async () => {
  const root = makeWorkspace({ a: ["0.0.0"] });
  expect(await readRelease(root)).toBeUndefined();
  await expect(requireRelease(root)).rejects.toThrow(
    "the packages have no version; `npm run release:version` gives them one",
  );
});

it("throws when the packages have several versions", async () => {
  const root = makeWorkspace({ a: ["1.2.3"], b: ["1.2.4"] });
  await expect(readRelease(root)).rejects.toThrow("the packages have the versions 1.2.3, 1.2.4; give them one");
});
