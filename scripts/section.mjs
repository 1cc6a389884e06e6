import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The top folder of the workspace. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const WINDOWS = process.platform === "win32";

const STILL_RUNNING_MS = 10_000;

/** Far above the time of any section. Without it, a test that loops forever would never be stopped. */
const LIMIT_MS = 600_000;

/** A command that ignores SIGTERM for so long gets SIGKILL. */
const KILL_AFTER_MS = 10_000;

/** A section cannot run, or its command failed. */
export class SectionFailed extends Error {}

/**
 * Runs a command and prints the title and the time taken. The output is shown only when the command fails.
 *
 * @param {string} title
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, shell?: boolean }} [options]
 * @throws SectionFailed
 */
export async function section(title, command, args, options = {}) {
  process.stdout.write(`${title} …`);
  const started = performance.now();
  const progress = setInterval(() => process.stdout.write(` ${elapsed(started, 0)} …`), STILL_RUNNING_MS);
  const { code, output } = await collect(command, args, options);
  clearInterval(progress);
  process.stdout.write(` ${code === 0 ? "" : "failed after "}${elapsed(started, 1)}\n`);
  if (code === 0) return;
  process.stdout.write(`${output}\n`);
  throw new SectionFailed(`${title} failed: ${[command, ...args].join(" ")}`);
}

/**
 * Runs a command in the top folder and collects its output. A command that exceeds the time limit is ended with all its
 * child processes, and so is one that runs when this process receives SIGINT or SIGTERM.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, shell?: boolean, limitMs?: number }} [options] `env` is added to the environment
 * @returns {Promise<{ code: number | null, output: string, isTimedOut: boolean }>}
 */
export function collect(command, args, { env = {}, shell = false, limitMs = LIMIT_MS } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      shell,
      // Windows has no process groups.
      detached: !WINDOWS,
    });
    let isTimedOut = false;
    /** @type {NodeJS.Timeout | undefined} */
    let killTimer;
    /** @param {NodeJS.Signals} signal */
    const signalAll = (signal) => {
      try {
        if (WINDOWS) child.kill(signal);
        else process.kill(-(child.pid ?? 0), signal);
      } catch {
        // The group is gone already.
      }
    };
    const end = () => {
      signalAll("SIGTERM");
      killTimer ??= setTimeout(() => signalAll("SIGKILL"), KILL_AFTER_MS);
    };
    const limit = setTimeout(() => {
      isTimedOut = true;
      end();
    }, limitMs);
    process.once("SIGINT", end).once("SIGTERM", end);
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(limit);
      clearTimeout(killTimer);
      process.off("SIGINT", end).off("SIGTERM", end);
      resolve({ code, output: Buffer.concat(chunks).toString(), isTimedOut });
    });
  });
}

/**
 * @param {number} since
 * @param {number} digits
 */
function elapsed(since, digits) {
  return `${((performance.now() - since) / 1_000).toFixed(digits)} s`;
}
