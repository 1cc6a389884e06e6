import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs a program of this folder in a process of its own, its garbage collectable, and returns the report that it prints. */
export async function runProgram<Report>(
  program: string,
  ...args: readonly (string | number | boolean)[]
): Promise<Report> {
  const path = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, ["--expose-gc", path, ...args.map(String)]);
  return JSON.parse(stdout) as Report;
}
