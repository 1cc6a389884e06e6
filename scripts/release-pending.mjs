// Prints `pending=true` when the registry misses a version that the packages have, `pending=false` otherwise; a workflow also gets
// it as an output. usage: node scripts/release-pending.mjs [TOP OF A WORKSPACE]
import { execFile } from "node:child_process";
import { appendFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);

/** Changesets give the first version. */
const UNVERSIONED = "0.0.0";

const [root = ROOT] = process.argv.slice(2);

/**
 * Tells whether the registry misses the version of a package.
 * @param {string} folder
 */
async function isPending(folder) {
  const { name, version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  if (version === UNVERSIONED) return false;
  try {
    // Windows starts npm.cmd through its shell only.
    const options = { shell: process.platform === "win32" };
    const { stdout } = await run("npm", ["view", `${name}@${version}`, "version"], options);
    return stdout.trim() === "";
  } catch (error) {
    if (/** @type {{ stderr?: string }} */ (error).stderr?.includes("E404")) return true;
    throw error;
  }
}

const names = await readdir(join(root, "packages"));
const pending = await Promise.all(names.map((name) => isPending(join(root, "packages", name))));
const line = `pending=${pending.includes(true)}\n`;
process.stdout.write(line);
const { GITHUB_OUTPUT } = process.env;
if (GITHUB_OUTPUT) await appendFile(GITHUB_OUTPUT, line);
