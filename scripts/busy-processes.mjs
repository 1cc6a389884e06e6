import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("busy-process.mjs", import.meta.url));

/**
 * Starts processes that each keep one core busy, waits until all do, and returns a function that ends them.
 * @param {number} count
 * @returns {Promise<() => Promise<void>>}
 */
export async function startBusyProcesses(count) {
  const children = Array.from({ length: count }, () => fork(PROGRAM, { execArgv: [] }));
  const exits = children.map((child) => once(child, "exit"));
  await Promise.all(children.map((child) => once(child, "message")));
  return async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(exits);
  };
}
