import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);

/** Stands in the place of npm: has @ipc/b only, and keeps what it is given to publish. */
const NPM = `#!/usr/bin/env node
const { appendFileSync } = require("node:fs");
const [command, what] = process.argv.slice(2);
if (command === "publish") appendFileSync(process.argv[1] + ".published", what + "\\n");
else if (what.startsWith("@ipc/b@")) console.log("1.2.3");
else { console.error("npm error code E404"); process.exitCode = 1; }
`;

/** @type {string} */
let root;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ipc-publish-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "tarballs"));
  writeFileSync(join(root, "npm"), NPM, { mode: 0o755 });
  writeFileSync(join(root, "npm.published"), "");
  for (const name of ["a", "b", "c"]) {
    mkdirSync(join(root, "packages", name), { recursive: true });
    writeManifest(join(root, "packages", name), `@ipc/${name}`);
  }
});

/**
 * @param {string} folder
 * @param {string} name
 */
function writeManifest(folder, name, version = "1.2.3") {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version }));
}

/**
 * Packs a manifest into the tarball of a package.
 * @param {string} file name of the package that the file is named after
 * @param {string} [name] in the manifest
 * @param {string} [version]
 */
async function pack(file, name = `@ipc/${file}`, version = "1.2.3") {
  const folder = mkdtempSync(join(root, "pack-"));
  mkdirSync(join(folder, "package"));
  writeManifest(join(folder, "package"), name, version);
  await run("tar", ["-czf", tarballOf(file), "-C", folder, "package"]);
}

/** @param {string} name */
function tarballOf(name) {
  return join(root, "tarballs", `ipc-${name}-1.2.3.tgz`);
}

function publish() {
  const env = { ...process.env, PATH: [root, process.env["PATH"]].join(delimiter) };
  return run(process.execPath, [join(ROOT, "scripts", "release-publish.mjs"), root, join(root, "tarballs")], { env });
}

function published() {
  return readFileSync(join(root, "npm.published"), "utf8").split("\n").slice(0, -1);
}

// Windows starts npm through its shell, which finds no script of this kind.
it.skipIf(process.platform === "win32")("publishes the packed packages that npm misses", async () => {
  for (const name of ["a", "b", "c"]) await pack(name);
  expect((await publish()).stdout).toBe("published @ipc/a@1.2.3\nnpm has @ipc/b@1.2.3\npublished @ipc/c@1.2.3\n");
  expect(published()).toEqual([tarballOf("a"), tarballOf("c")]);
});

it.skipIf(process.platform === "win32").each([
  ["another name", "@ipc/b", "1.2.3", "@ipc/b@1.2.3"],
  ["another version", "@ipc/c", "1.2.4", "@ipc/c@1.2.4"],
])("publishes nothing when a tarball has %s in its manifest", async (_what, name, version, has) => {
  for (const each of ["a", "b"]) await pack(each);
  await pack("c", name, version);
  await expect(publish()).rejects.toThrow(
    `${tarballOf("c")} has ${has} instead of @ipc/c@1.2.3; pack the release again`,
  );
  expect(published()).toEqual([]);
});

it.skipIf(process.platform === "win32")("publishes nothing when a tarball is missing", async () => {
  for (const name of ["a", "b"]) await pack(name);
  await expect(publish()).rejects.toThrow("ipc-c-1.2.3.tgz");
  expect(published()).toEqual([]);
});
