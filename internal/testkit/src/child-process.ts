import { type ChildProcessByStdio, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Resolves when it has ended; may be left without an await. */
  readonly outcome: Promise<Outcome>;
}

/** Starts a program in a process of its own, which is killed when the test is over, also if it is stopped. */
export function startProgram(
  command: string,
  args: readonly string[],
  options: Pick<SpawnOptions, "cwd" | "env">,
): Program {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const end = async (): Promise<Outcome> => {
    const [[code], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    return { code: code as number | null, stdout, stderr };
  };
  const outcome = end();
  outcome.catch(() => {});
  return { child, outcome };
}

function startNode(code: string, folder: string, flags: readonly string[] = []): Program {
  return startProgram(process.execPath, [...flags, "--input-type=module", "--eval", code], { cwd: folder });
}

/**
 * Runs the text of a module in a process of its own and resolves when that has ended.
 * @param folder where its imports are resolved
 */
export function runModule(code: string, folder: string, flags: readonly string[] = []): Promise<Outcome> {
  return startNode(code, folder, flags).outcome;
}

/**
 * Starts the text of a module in a process of its own and resolves when that has written to its standard output.
 * @param folder where its imports are resolved
 */
export async function startModule(code: string, folder: string): Promise<Program["child"]> {
  const { child, outcome } = startNode(code, folder);
  const ended = outcome.then(({ code: exitCode, stderr }) => {
    throw new Error(`the process ended with ${exitCode}: ${stderr}`);
  });
  await Promise.race([once(child.stdout, "data"), ended]);
  return child;
}
