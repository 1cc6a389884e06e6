import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The top folder of the workspace. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const WINDOWS = process.platform === "win32";

const STILL_RUNNING_MS = 10_000;

/** Far above what any section takes; a test that loops without end would otherwise never be stopped. */
const LIMIT_MS = 600_000;

/** A command of a section ended with something other than 0. */
export class SectionFailed extends Error {}

/**
 * Runs pnpm under a heading that ends in the time it took. What it prints is shown only when it fails.
 *
 * npx brings the pinned pnpm, so that nothing has to be installed beforehand, and puts it on the PATH, where turbo
 * looks for it. A section that takes far too long is ended, with all that it started.
 *
 * @param {string} title
 * @param {string[]} args
 * @param {Record<string, string>} [env] added to the environment
 * @throws SectionFailed
 */
export async function pnpmSection(title, args, env = {}) {
  process.stdout.write(`${title} …`);
  const started = performance.now();
  const progress = setInterval(() => process.stdout.write(` ${elapsed(started, 0)} …`), STILL_RUNNING_MS);
  const { code, output } = await collect("npx", ["--yes", packageManager, ...args], env);
  clearInterval(progress);
  process.stdout.write(` ${code === 0 ? "" : "failed after "}${elapsed(started, 1)}\n`);
  if (code === 0) return;
  process.stdout.write(`${output}\n`);
  throw new SectionFailed(`${title} failed: ${args.join(" ")}`);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function collect(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // Windows starts npx.cmd through its shell only, and has no process groups.
      shell: WINDOWS,
      detached: !WINDOWS,
    });
    const end = () => void (WINDOWS ? child.kill() : process.kill(-(child.pid ?? 0), "SIGTERM"));
    const limit = setTimeout(end, LIMIT_MS);
    process.once("SIGINT", end).once("SIGTERM", end);
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(limit);
      process.off("SIGINT", end).off("SIGTERM", end);
      resolve({ code, output: Buffer.concat(chunks).toString() });
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
