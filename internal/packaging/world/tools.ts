import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Outside of the workspace, whose node_modules a tool or a user's project must not find. */
const CACHE = join(homedir(), ".cache", "ipc-world");

interface InstallOptions {
  /** Of npm, such as `--force`, which also installs what is for another system. */
  readonly flags?: readonly string[];
  /** Versions of what the packages depend on. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** The folder that has one folder for each set. */
  readonly cache?: string;
}

/**
 * Installs packages of npm by their exact versions, once for each set, without their install scripts; returns the folder that
 * has them in its `node_modules`.
 */
export async function installTools(
  packages: Readonly<Record<string, string>>,
  { flags = [], overrides, cache = CACHE }: InstallOptions = {},
): Promise<string> {
  const manifest = JSON.stringify({ private: true, dependencies: packages, overrides });
  const folder = join(cache, createHash("sha256").update(manifest).digest("hex").slice(0, 16));
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.`);
  try {
    await writeFile(join(unfinished, "package.json"), manifest);
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", ...flags];
    await run("npm", args, { cwd: unfinished });
    await rename(unfinished, folder).catch((error: unknown) => {
      // Another process was faster, unless there is none.
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}
