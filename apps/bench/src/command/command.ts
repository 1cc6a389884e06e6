import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServerManager } from "@ipc/manager";
import type { Scenario } from "@ipc-internal/stress";
import { markdownTable } from "markdown-table";
import { short, spread } from "../number-text.js";
import { median } from "../quantile.js";
import { NO_CERTIFICATES } from "../start/fresh-process.js";
import { measureInTurns, type Times } from "../start/start.js";

/** The built command. */
const IPC = fileURLToPath(new URL("dist/ipc.js", import.meta.resolve("@ipc/cli/package.json")));
/** Far above what a process takes on a busy machine. */
const LIMIT_MS = 60_000;
const NOTHING = "node -e 0";
const HELP = "ipc --help";
/** How much longer than Node.js itself the help may take, in milliseconds. */
const TARGET_MS = 60;

/** The time that the command `ipc` takes from the start of its process to the end. */
export const command: Scenario<"rounds"> = {
  what: "measures the command ipc from the start of its process to the end, beside one that does nothing",
  page: "BENCHMARKS.md",
  options: { rounds: 30 },

  async run({ rounds }) {
    const directory = await mkdtemp(join(tmpdir(), "ipc-command-"));
    try {
      await using _ = await startServerManager({ name: "orders", directory });
      return reportTimes(
        await measureInTurns(rounds, {
          [NOTHING]: () => measureRun(["-e", "0"]),
          [HELP]: () => measureRun([IPC, "--help"]),
          "ipc ping": () => measureRun([IPC, "ping", "orders", "-d", directory]),
        }),
      );
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/** Tells the times as a table, and whether the help is as quick as it must be: by the median of the differences of all rounds. */
export function reportTimes(times: Times): { readonly figures: string; readonly met: boolean } {
  const rows = Object.entries(times).map(([name, all]) => [`\`${name}\``, spread(all), short(excess(times, name))]);
  const met = excess(times, HELP) <= TARGET_MS;
  const table = markdownTable([["start to end", "ms", `ms above \`${NOTHING}\``], ...rows], { align: ["l", "r", "r"] });
  const target = `Target: \`${HELP}\` within ${TARGET_MS} ms of \`${NOTHING}\`: ${met ? "met" : "MISSED"}.`;
  return { figures: `${table}\n\n${target}`, met };
}

function excess(times: Times, name: string): number {
  const nothing = times[NOTHING] ?? [];
  return median((times[name] ?? []).map((ms, round) => ms - (nothing[round] ?? Number.NaN)));
}

/**
 * Runs Node.js and returns the milliseconds to its end.
 * @throws Error when it fails
 */
async function measureRun(args: readonly string[]): Promise<number> {
  const from = performance.now();
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...NO_CERTIFICATES },
    stdio: ["ignore", "ignore", "inherit"],
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`node ${args.join(" ")} ended with ${code}`);
  return performance.now() - from;
}
