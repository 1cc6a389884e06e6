// Installs the published packages, in the version that the workspace has, and writes what their users get as a bill of materials
// (CycloneDX, JSON). Waits until the registry delivers what was just published. usage: node scripts/sbom.mjs [TOP OF A WORKSPACE] [FILE],
// by default this one and reports/sbom.cdx.json
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { requireRelease } from "./release-packages.mjs";
import { retry } from "./retry.mjs";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);
const OUTPUT_BYTES = 16_777_216;

const [root = ROOT, file = join(ROOT, "reports", "sbom.cdx.json")] = process.argv.slice(2);
const { version, names } = await requireRelease(root);
const dependencies = Object.fromEntries(names.map((name) => [name, version]));

const project = await mkdtemp(join(tmpdir(), "ipc-sbom-"));
try {
  // npm describes no project without a name and a version.
  const manifest = { name: "ipc", version, license: "MIT", private: true, dependencies };
  await writeFile(join(project, "package.json"), JSON.stringify(manifest));
  // Windows starts npm.cmd through its shell only.
  const options = { cwd: project, maxBuffer: OUTPUT_BYTES, shell: process.platform === "win32" };
  await retry(
    () => run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-online"], options),
    {
      ...{ attempts: 10, pauseMs: 30_000 },
      onFailure: (error) => console.error(/** @type {Error} */ (error).message),
    },
  );
  const { stdout } = await run("npm", ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "library"], options);
  await mkdir(dirname(resolve(file)), { recursive: true });
  await writeFile(file, stdout);
} finally {
  await rm(project, { recursive: true, force: true });
}
