import { execFile } from "node:child_process";

/** Far above what most measurements take. */
const LIMIT_MS = 60_000;

const MOST_BYTES = 16_777_216;

/**
 * Runs a program and resolves with what it printed.
 * @param env variables beside those of this process
 * @throws Error with the last thing that it said when it failed
 */
export function runProcess(
  program: string,
  args: readonly string[],
  limitMs: number = LIMIT_MS,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: limitMs, killSignal: "SIGKILL", maxBuffer: MOST_BYTES } as const;
    const options = { ...limits, env: { ...process.env, ...env } };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(error.killed ? `gave up after ${limitMs / 1_000} s` : lastWords(stderr, error.message)));
    });
  });
}

/** The line that names the error, where there is one. */
function lastWords(stderr: string, message: string): string {
  const lines = stderr.trim().split("\n");
  return lines.find((line) => /Error\b.*:/.test(line)) ?? (lines.at(-1) || message);
}
