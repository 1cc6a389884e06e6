import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SPIN = fileURLToPath(new URL("../dist/spin.js", import.meta.url));

/** Keeps so many processor cores busy, with a process for each, while a work is done. */
export async function besideBusyCores<Result>(cores: number, work: () => Promise<Result>): Promise<Result> {
  const spinning: ChildProcess[] = [];
  try {
    for (let core = 0; core < cores; core++) {
      const child = fork(SPIN, { execArgv: [] });
      spinning.push(child);
      await once(child, "message");
    }
    return await work();
  } finally {
    await Promise.all(spinning.map(end));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
