// Prints `pending=true` when this commit is to be released: npm misses the version of a package, or git its tag. A workflow also gets
// it as an output. Prints `pending=false` otherwise, also when the packages have changed since they got the version, because a version
// is one state of the packages. usage: node scripts/release-pending.mjs [TOP OF A WORKSPACE]
import { execFile } from "node:child_process";
import { appendFile } from "node:fs/promises";
import { promisify } from "node:util";
import { isPublished, isTagged, readRelease, tagOf } from "./release-packages.mjs";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);

const [root = ROOT] = process.argv.slice(2);

/** @param {...string} args */
async function git(...args) {
  return (await run("git", args, { cwd: root })).stdout.trim();
}

/**
 * Names what a release has not done yet.
 * @param {{ version: string, names: string[] }} release
 */
async function listMissing({ version, names }) {
  const published = await Promise.all(names.map((name) => isPublished(name, version)));
  const packages = names.filter((_, index) => !published[index]).map((name) => `${name}@${version} on npm`);
  return [...packages, ...((await isTagged(root, version)) ? [] : [`the tag ${tagOf(version)}`])];
}

async function isPending() {
  const release = await readRelease(root);
  if (release === undefined) return false;
  const missing = await listMissing(release);
  if (missing.length === 0) return false;
  console.error(`missing: ${missing.join(", ")}`);
  // Of a merge, what it brings to the branch.
  const which = ["--first-parent", "-m", `-S"version": "${release.version}"`, "--format=%H"];
  const commit = await git("log", "-1", ...which, "--", "packages/*/package.json");
  const changed = await git("diff", "--name-only", commit, "HEAD", "--", "packages");
  if (changed === "") return true;
  const advice = "run the release of that commit again, or make another version";
  // The form of a warning that GitHub shows with the run.
  console.error(`::warning::${release.version} came with ${commit}, and packages/ has changed since; ${advice}`);
  return false;
}

const line = `pending=${await isPending()}\n`;
process.stdout.write(line);
const { GITHUB_OUTPUT } = process.env;
if (GITHUB_OUTPUT) await appendFile(GITHUB_OUTPUT, line);
