import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);

/** Changesets give the first version. */
export const UNVERSIONED = "0.0.0";

/** Has the tarballs of a release. */
export const RELEASE_FOLDER = join(ROOT, "reports", "release");

/** @typedef {{ readonly name: string, readonly version: string, readonly dependencies?: Readonly<Record<string, string>> }} Manifest */

/**
 * Reads the version that the packages have, and their names: each after those that it depends on, so that a release which stops
 * half-way leaves no package on npm without its dependencies. A package that changesets have not versioned yet is left out.
 * @param {string} root top of the workspace
 * @returns {Promise<{ version: string, names: string[] } | undefined>} undefined before the first version
 * @throws Error when there is more than one version
 */
export async function readRelease(root) {
  const folders = await readdir(join(root, "packages"));
  const texts = folders.map((folder) => readFile(join(root, "packages", folder, "package.json"), "utf8"));
  const manifests = (await Promise.all(texts)).map((text) => /** @type {Manifest} */ (JSON.parse(text)));
  const versioned = new Map(
    manifests.filter(({ version }) => version !== UNVERSIONED).map((each) => [each.name, each]),
  );
  const [version, ...others] = new Set([...versioned.values()].map((manifest) => manifest.version));
  if (version === undefined) return undefined;
  if (others.length > 0)
    throw new Error(`the packages have the versions ${[version, ...others].join(", ")}; give them one`);
  /** @type {Set<string>} */
  const names = new Set();
  /** @param {string} name */
  const add = (name) => {
    if (names.has(name) || !versioned.has(name)) return;
    for (const dependency of Object.keys(versioned.get(name)?.dependencies ?? {})) add(dependency);
    names.add(name);
  };
  for (const name of versioned.keys()) add(name);
  return { version, names: [...names] };
}

/**
 * Reads the version that the packages have, and their names as `readRelease` does.
 * @param {string} root top of the workspace
 * @throws Error when there is none yet, or more than one
 */
export async function requireRelease(root) {
  const release = await readRelease(root);
  if (release === undefined) throw new Error("the packages have no version; `npm run release:version` gives them one");
  return release;
}

/**
 * The tag of a release: one for all packages, because they have one version.
 * @param {string} version
 */
export function tagOf(version) {
  return `v${version}`;
}

/**
 * Tells whether git has the tag of a release. It must have been fetched.
 * @param {string} root
 * @param {string} version
 */
export async function isTagged(root, version) {
  const { stdout } = await run("git", ["tag", "--list", tagOf(version)], { cwd: root });
  return stdout.trim() !== "";
}

/**
 * Checks that a tarball has the package that its own manifest, and not only its file name, says it has.
 * @param {string} tarball
 * @param {{ name: string, version: string }} expected
 * @throws Error when it is another package, or none
 */
export async function assertPacked(tarball, { name, version }) {
  const { stdout } = await run("tar", ["-xzOf", tarball, "package/package.json"]);
  const packed = /** @type {Manifest} */ (JSON.parse(stdout));
  if (packed.name === name && packed.version === version) return;
  throw new Error(
    `${tarball} has ${packed.name}@${packed.version} instead of ${name}@${version}; pack the release again`,
  );
}

/**
 * Tells whether the registry has a version of a package.
 * @param {string} name
 * @param {string} version
 * @throws Error when the registry gives no answer
 */
export async function isPublished(name, version) {
  try {
    const { stdout } = await npm("view", `${name}@${version}`, "version", "--prefer-online");
    return stdout.trim() !== "";
  } catch (error) {
    if (/** @type {{ stderr?: string }} */ (error).stderr?.includes("E404")) return false;
    throw error;
  }
}

/**
 * Runs npm.
 * @param {...string} args
 */
export function npm(...args) {
  // Windows starts npm.cmd through its shell only.
  return run("npm", args, { shell: process.platform === "win32" });
}
