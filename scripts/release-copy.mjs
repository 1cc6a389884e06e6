import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { absoluteLinks, DECISIONS, releaseFields } from "./release-metadata.mjs";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);

/** The files of the top that a release reads. */
const TOP = ["LICENSE", "package.json", "pnpm-workspace.yaml", ".changeset"];
const NOT_COPIED = new Set(["node_modules", ".tsbuildinfo"]);

/** Stands for the repository's address until that is decided. */
export const SAMPLE_REPOSITORY = DECISIONS.REPOSITORY ?? "https://repository.example/ipc";

/**
 * Writes into the packages what only a release needs: where they are on the web.
 * @param {string} root top of the workspace, or of a copy
 * @param {string} repository
 */
async function prepareRelease(root, repository) {
  for (const name of await readdir(join(root, "packages"))) {
    const folder = `packages/${name}`;
    const manifest = join(root, folder, "package.json");
    const fields = { ...JSON.parse(await readFile(manifest, "utf8")), ...releaseFields(folder, repository) };
    await writeFile(manifest, `${JSON.stringify(fields, null, 2)}\n`);
    for (const document of ["README.md", "CHANGELOG.md"]) {
      const path = join(root, folder, document);
      // Changesets write the first changelog.
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text !== undefined) await writeFile(path, absoluteLinks(text, folder, repository));
    }
  }
}

/**
 * Copies the built packages and what a release needs beside them into an empty folder, so that the workspace stays as it is.
 * @param {string} folder
 * @param {string} root top of the workspace, or of a copy
 */
export async function copyForRelease(folder, root = ROOT) {
  for (const file of TOP) await cp(join(root, file), join(folder, file), { recursive: true });
  for (const name of await readdir(join(root, "packages"))) {
    const copy = join(folder, "packages", name);
    const filter = (/** @type {string} */ path) => !NOT_COPIED.has(basename(path));
    await cp(join(root, "packages", name), copy, { recursive: true, filter });
    const { dependencies = {}, devDependencies = {} } = JSON.parse(await readFile(join(copy, "package.json"), "utf8"));
    const linked = Object.keys({ ...dependencies, ...devDependencies }).filter((other) => other.startsWith("@ipc/"));
    // pnpm reads there what version stands for `workspace:`.
    await mkdir(join(copy, "node_modules", "@ipc"), { recursive: true });
    for (const other of linked)
      await symlink(join(folder, "packages", basename(other)), join(copy, "node_modules", other), "junction");
  }
}

/**
 * Packs every package into `tarballs` as a release publishes it: versions in place of `workspace:`, addresses, absolute links.
 * @param {string} tarballs
 * @param {{ root?: string, repository?: string }} [options] top of the workspace, or of a copy; address of the repository
 */
export async function packAll(tarballs, { root = ROOT, repository = SAMPLE_REPOSITORY } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "ipc-pack-"));
  try {
    await copyForRelease(folder, root);
    await prepareRelease(folder, repository);
    await pnpm(folder, "-r", "--filter", "./packages/*", "pack", "--pack-destination", tarballs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the pinned pnpm.
 * @param {string} folder
 * @param {string[]} args
 * @throws Error with what it prints, when it fails
 */
async function pnpm(folder, ...args) {
  const { packageManager } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  // Windows starts npx.cmd through its shell only.
  const options = { cwd: folder, shell: process.platform === "win32" };
  try {
    await run("npx", ["--yes", packageManager, ...args], options);
  } catch (error) {
    const { stdout, message } = /** @type {Error & { stdout: string }} */ (error);
    throw new Error(`${message}\n${stdout}`);
  }
}
