import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Order } from "./order.js";
import { runProcess } from "./run-process.js";

const CLIENT = fileURLToPath(new URL("../dist/client-process.js", import.meta.url));

/** Each order is carried out twice, see `count`. */
const RUNS_IN_ORDER = 2;

export type Manner = Extract<Order, { workload: "count" }>["manner"];

/** System calls of both processes together, for each message. */
export interface CallCount {
  readonly contestant: string;
  readonly size: number;
  readonly manner: Manner;
  readonly writes: number;
  readonly reads: number;
  readonly others: number;
}

export type SystemCalls = { readonly counts: readonly CallCount[] } | { readonly missing: string };

const WRITES = new Set(["write", "writev", "sendto", "sendmsg", "sendmmsg"]);
const READS = new Set(["read", "readv", "recvfrom", "recvmsg"]);

/** Whether system calls can be counted here; why not otherwise. */
export async function whyNoTracer(): Promise<string | undefined> {
  try {
    await runProcess("strace", ["-c", "-o", "/dev/null", process.execPath, "--version"]);
    return undefined;
  } catch (error) {
    return `strace does not run here: ${(error as Error).message}`;
  }
}

/** Counts the calls of `messages` more messages beside `messages`: the start and the end of the processes count nowhere. */
export async function countCalls(
  contestant: string,
  size: number,
  manner: Manner,
  messages: number,
): Promise<CallCount> {
  const [once, thrice] = [
    await trace(contestant, size, manner, messages),
    await trace(contestant, size, manner, 3 * messages),
  ];
  const each = (kind: keyof Calls): number => Math.max(0, (thrice[kind] - once[kind]) / (2 * RUNS_IN_ORDER * messages));
  return { contestant, size, manner, writes: each("writes"), reads: each("reads"), others: each("others") };
}

interface Calls {
  writes: number;
  reads: number;
  others: number;
}

async function trace(contestant: string, size: number, manner: Manner, messages: number): Promise<Calls> {
  const folder = await mkdtemp(join(tmpdir(), "ipc-calls-"));
  try {
    const report = join(folder, "calls");
    const order: Order = { workload: "count", size, messages, manner, warmUpMs: 0 };
    const command = [process.execPath, "--expose-gc", CLIENT, contestant, JSON.stringify(order)];
    await runProcess("strace", ["-f", "-c", "-o", report, ...command]);
    return sumUp(await readFile(report, "utf8"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Reads strace's table: `% time  seconds  usecs/call  calls  [errors]  syscall`. */
export function sumUp(table: string): Calls {
  const calls: Calls = { writes: 0, reads: 0, others: 0 };
  for (const line of table.split("\n")) {
    const [, count, name] = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/.exec(line) ?? [];
    if (count === undefined || name === undefined || name === "total") continue;
    const kind = WRITES.has(name) ? "writes" : READS.has(name) ? "reads" : "others";
    calls[kind] += Number(count);
  }
  return calls;
}
