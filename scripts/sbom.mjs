// Installs the published packages, in the version that the workspace has, and writes what their users get as a bill of materials
// (CycloneDX, JSON). usage: node scripts/sbom.mjs [TOP OF A WORKSPACE] [FILE],
// by default this one and reports/sbom.cdx.json
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);
const OUTPUT_BYTES = 16_777_216;

const [root = ROOT, file = join(ROOT, "reports", "sbom.cdx.json")] = process.argv.slice(2);
const folders = await readdir(join(root, "packages"));
const manifests = await Promise.all(
  folders.map(async (name) => JSON.parse(await readFile(join(root, "packages", name, "package.json"), "utf8"))),
);
const dependencies = Object.fromEntries(manifests.map(({ name, version }) => [name, version]));

const project = await mkdtemp(join(tmpdir(), "ipc-sbom-"));
try {
  // npm describes no project without a name and a version.
  const manifest = { name: "ipc", version: manifests[0].version, license: "MIT", private: true, dependencies };
  await writeFile(join(project, "package.json"), JSON.stringify(manifest));
  // Windows starts npm.cmd through its shell only.
  const options = { cwd: project, maxBuffer: OUTPUT_BYTES, shell: process.platform === "win32" };
  await run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], options);
  const { stdout } = await run("npm", ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "library"], options);
  await mkdir(dirname(resolve(file)), { recursive: true });
  await writeFile(file, stdout);
} finally {
  await rm(project, { recursive: true, force: true });
}
