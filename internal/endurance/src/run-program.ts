import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

type Argument = string | number | boolean;

/** Runs a program of this folder in a process of its own, its garbage collectable, and returns the report that it prints. */
export function runProgram<Report>(program: string, ...args: readonly Argument[]): Promise<Report> {
  return runWith<Report>([], program, args);
}

/** As `runProgram`, but V8 compiles nothing as it goes: that code lies in the heap, some hundred KiB that are no client's. */
export function runUncompiled<Report>(program: string, ...args: readonly Argument[]): Promise<Report> {
  return runWith<Report>(["--no-opt", "--no-sparkplug"], program, args);
}

async function runWith<Report>(flags: readonly string[], program: string, args: readonly Argument[]): Promise<Report> {
  const path = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, ["--expose-gc", ...flags, path, ...args.map(String)]);
  return JSON.parse(stdout) as Report;
}
