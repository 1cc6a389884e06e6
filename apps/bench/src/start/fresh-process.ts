import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The programs beside this file, also when the tests import its source. */
const PROGRAMS = fileURLToPath(new URL("../../dist/start/", import.meta.url));

/** Node.js reads these certificates whenever it starts. With those of a Linux distribution that is half of a start. */
export const NO_CERTIFICATES = { NODE_EXTRA_CA_CERTS: "" };

/** Far above what a process takes on a busy machine. */
const LIMIT_MS = 60_000;

/**
 * Starts a program beside this file and returns the milliseconds from then to its first output.
 * @throws Error when it prints anything but `answer`
 */
export async function measureStart(program: string, argument: string, answer: string): Promise<number> {
  const { output, firstMs } = await runFresh([`${PROGRAMS}${program}.js`, argument]);
  if (output !== answer) throw new Error(`${program} printed "${output}" instead of "${answer}"`);
  return firstMs;
}

/**
 * Returns the milliseconds that the import of a package takes in a process that has loaded nothing else.
 * @throws Error when the import fails
 */
export async function measureImport(name: string): Promise<number> {
  const program = `const at = performance.now(); await import("${name}"); console.log(performance.now() - at);`;
  const { output } = await runFresh(["--input-type=module", "--eval", program]);
  const ms = Number(output);
  if (!(ms > 0)) throw new Error(`the import of ${name} printed "${output}" instead of milliseconds`);
  return ms;
}

async function runFresh(args: readonly string[]): Promise<{ readonly output: string; readonly firstMs: number }> {
  const from = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: PROGRAMS,
    env: { ...process.env, ...NO_CERTIFICATES },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
  });
  let output = "";
  let firstMs = Number.NaN;
  child.stdout.on("data", (chunk) => {
    if (output === "") firstMs = performance.now() - from;
    output += chunk;
  });
  await once(child, "close");
  return { output: output.trim(), firstMs };
}
