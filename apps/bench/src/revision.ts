import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * Holds a folder for each commit that was built. It is outside of every package: a module that a built revision lacks must
 * not be found in a package of this one.
 */
const CACHE = join(ROOT, ".cache/bench");

const ARCHIVE = "sources.tar";

/** Finds the commit of a revision, by its full name. @throws TypeError when this repository has none of that name */
export function findCommit(revision: string): string {
  try {
    return git("rev-parse", "--verify", `${revision}^{commit}`);
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    const reason = (stderr || message).trim();
    throw new TypeError(`--against: ${revision} names no commit of this repository (${reason}); git fetch may help`);
  }
}

/** The name and the subject of a commit. */
export function describeCommit(commit: string): string {
  return git("show", "--no-patch", "--format=%H %s", commit);
}

/** Tells whether the files of this repository differ from those of its last commit. */
export function hasChanges(): boolean {
  return git("status", "--porcelain") !== "";
}

/**
 * Builds a commit with the pnpm and the lockfile of its own, and gives its folder. The second time, the folder is there.
 * @throws Error when a command fails, which has printed its reason
 */
export function buildCommit(commit: string): string {
  const folder = join(CACHE, commit);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const unfinished = mkdtempSync(`${folder}.`);
  try {
    run(ROOT, "git", "archive", "--output", join(unfinished, ARCHIVE), commit);
    run(unfinished, "tar", "-xf", ARCHIVE);
    const { packageManager } = JSON.parse(readFileSync(join(unfinished, "package.json"), "utf8")) as {
      readonly packageManager: string;
    };
    run(unfinished, "npx", "--yes", packageManager, "install", "--frozen-lockfile");
    run(unfinished, "npx", "--yes", packageManager, "run", "compile");
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

function run(cwd: string, program: string, ...args: string[]): void {
  execFileSync(program, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
}
