import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The steps of one run at the most; the verifier says so when it meets a longer one. */
const MAX_DEPTH = 100_000;

const run = promisify(execFile);

/** The result of a run of Spin. */
export interface Verdict {
  /** The first error, in Spin's words; undefined: none. */
  readonly error: string | undefined;
  readonly states: number;
  /** The places of the model that no run reaches, as `process: line, statement`, or `process: its end`. */
  readonly unreached: readonly string[];
}

/** Returns why no model can be checked on this machine; undefined if it can. @throws Error so under CI on Linux, which can have them */
export function missingTools(): string | undefined {
  const missing = ["spin", "gcc"].filter((tool) => spawnSync(tool, ["--version"]).error !== undefined);
  if (missing.length === 0) return undefined;
  const why = `no ${missing.join(", no ")}; Debian: apt-get install spin gcc`;
  if (process.env["CI"] !== undefined && process.platform === "linux") throw new Error(why);
  return why;
}

/**
 * Tries every order of a model's steps.
 * @param macros defined for the model
 * @throws Error when the model is wrong, or the search was not complete
 */
export async function verify(model: string, macros: readonly string[] = []): Promise<Verdict> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-model-"));
  const options = { cwd: directory };
  try {
    await writeFile(join(directory, "model.pml"), await readFile(model));
    await run("spin", ["-a", ...macros.map((macro) => `-D${macro}`), "model.pml"], options);
    // A broken variant fails soon, so that it is not worth the time of an optimizing compiler.
    const level = macros.length === 0 ? "-O1" : "-O0";
    await run("gcc", [level, "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"], options);
    const { stdout } = await run(join(directory, "pan"), [`-m${MAX_DEPTH}`], { ...options, maxBuffer: 1 << 24 });
    return readVerdict(stdout);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Reads what the verifier prints. @throws Error when its search was not complete */
export function readVerdict(output: string): Verdict {
  const states = /^\s*(\d+) states, stored/m.exec(output)?.[1];
  if (states === undefined || output.includes("max search depth too small") || output.includes("out of memory"))
    throw new Error(`the search is not complete:\n${output}`);
  const error = /^pan:\d+: (.*?)(?: \(at depth \d+\))?$/m.exec(output)?.[1];
  const parts = output.split(/^unreached in proctype /m).slice(1);
  const unreached = parts.flatMap((part) => {
    const [name = "", ...lines] = part.split("\n");
    const places = lines.flatMap(
      (line) => /^\s+\S+:(\d+), state \d+, "(.*)"$/.exec(line)?.slice(1, 3).join(", ") ?? [],
    );
    return places.map((place) => `${name}: ${place.endsWith("-end-") ? "its end" : place}`);
  });
  return { error, states: Number(states), unreached };
}
