import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A Python with what the client needs, or why there is none on this machine. */
type PythonProgram = { readonly path: string } | { readonly missing: string };

const SOURCES = fileURLToPath(new URL("../python/", import.meta.url));
const CACHE = fileURLToPath(new URL("../node_modules/.cache/python/", import.meta.url));
const run = promisify(execFile);

/**
 * Makes a virtual environment with `python/requirements.txt`, once for each state of that file and of Python. It is outside the
 * lockfile, because only these tests use it.
 */
export async function findPython(): Promise<PythonProgram> {
  let version: string;
  try {
    version = (await run("python3", ["-c", "import sys, ssl, venv; print(sys.version)"])).stdout;
  } catch (error) {
    return { missing: `no Python: ${lastLine(error)}` };
  }
  const requirements = await readFile(join(SOURCES, "requirements.txt"));
  const folder = join(CACHE, createHash("sha256").update(version).update(requirements).digest("hex").slice(0, 16));
  const path = join(folder, "bin", "python");
  const ready = join(folder, "ready");
  if (await exists(ready)) return { path };
  // A virtual environment cannot be moved, so the mark that it is complete comes last.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await run("python3", ["-m", "venv", folder]);
    await run(path, ["-m", "pip", "install", "--quiet", "--requirement", join(SOURCES, "requirements.txt")]);
  } catch (error) {
    return { missing: `cryptography cannot be installed: ${lastLine(error)}` };
  }
  await writeFile(ready, "");
  return { path };
}

/** Runs one of the programs of `python/` and returns what it prints. @throws Error when it exits with another code than 0 */
export async function runPython(python: string, program: string, input: string): Promise<string> {
  const running = run(python, ["-B", join(SOURCES, program)]);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The error's own words: of a command that failed, the last line it wrote to stderr. */
function lastLine(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
  return (stderr || message).trim().split("\n").at(-1) ?? message;
}
