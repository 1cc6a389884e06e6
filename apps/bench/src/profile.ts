import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Order, Outcome } from "./order.js";
import { runProcess } from "./run-process.js";

const CLIENT = fileURLToPath(new URL("../dist/client-process.js", import.meta.url));

const MILLISECOND_US = 1_000;

/** The parts of a process's time, in the order of the table's columns. */
export const PARTS = ["framing", "crypto", "session", "benchmark", "ciphers", "node", "system", "garbage"] as const;

type Part = (typeof PARTS)[number];

/** Shares of sampled time. V8 drops samples on a busy machine, so there may be none to take shares of. */
interface Shares {
  /** Share of the sampled time in which the event loop's thread did not sleep, 0 … 1. Undefined: no samples. */
  readonly busy?: number | undefined;
  /** Shares of the busy time, which sum to 1. Undefined: no samples of a busy thread. */
  readonly parts?: Readonly<Record<Part, number>> | undefined;
}

/** The profile of the event loop's thread of one process. */
export interface Profile extends Shares {
  readonly contestant: string;
  readonly end: "client" | "server";
}

/** Carries out an order with V8's sampling profiler in both processes, and sums up the samples of the work's last `lastMs`. */
export async function profile(contestant: string, order: Order, lastMs: number): Promise<Profile[]> {
  const folder = await mkdtemp(join(tmpdir(), "ipc-profile-"));
  try {
    // The server's process is forked with the same flags.
    const flags = ["--expose-gc", "--cpu-prof", `--cpu-prof-dir=${folder}`];
    const args = [...flags, CLIENT, contestant, JSON.stringify(order)];
    const { untilUs } = JSON.parse(await runProcess(process.execPath, args)) as Outcome;
    if (untilUs === undefined) throw new Error(`${order.workload} does not report the end of its work`);
    const window = { fromUs: untilUs - lastMs * MILLISECOND_US, untilUs };
    const files = await readdir(folder);
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
    // The client's process starts first, because it forks the server's.
    const [client, server] = texts.map((text) => JSON.parse(text) as Ticks).sort((a, b) => a.startTime - b.startTime);
    if (client === undefined || server === undefined) throw new Error(`${contestant}: ${files.length} profiles of 2`);
    return [
      { contestant, end: "client", ...sumUpTicks(client, window) },
      { contestant, end: "server", ...sumUpTicks(server, window) },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The fields of V8's profiles that are used here. @see https://chromedevtools.github.io/devtools-protocol/tot/Profiler */
export interface Ticks {
  /** Start and end of profiling, in microseconds of the machine's clock. */
  readonly startTime: number;
  readonly endTime: number;
  readonly nodes: readonly TickNode[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface TickNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

/** The part of a profile that counts, in microseconds of the machine's clock. */
interface Window {
  readonly fromUs: number;
  readonly untilUs: number;
}

/**
 * Sums up the samples in the window: start, connect and compilation come before it, close comes after it.
 * @throws Error when profiling did not last until the end of the window: then the two clocks differ
 */
export function sumUpTicks(
  { nodes, samples, timeDeltas, startTime, endTime }: Ticks,
  { fromUs, untilUs }: Window,
): Shares {
  if (untilUs < startTime || untilUs > endTime)
    throw new Error(`the work ended at ${untilUs} µs, outside its profile of ${startTime} to ${endTime} µs`);
  const partOf = partsOf(nodes);
  const spentUs = new Map<Part | undefined, number>();
  let [allUs, nowUs] = [0, startTime];
  for (const [index, us] of timeDeltas.entries()) {
    nowUs += us;
    if (nowUs <= fromUs || nowUs > untilUs) continue;
    const part = partOf.get(samples[index] ?? 0);
    spentUs.set(part, (spentUs.get(part) ?? 0) + us);
    allUs += us;
  }
  if (allUs === 0) return {};
  const busyUs = allUs - (spentUs.get(undefined) ?? 0);
  if (busyUs === 0) return { busy: 0 };
  const shares = PARTS.map((part) => [part, (spentUs.get(part) ?? 0) / busyUs] as const);
  return { busy: busyUs / allUs, parts: Object.fromEntries(shares) as Record<Part, number> };
}

/** Maps each node to its part, a sleeping one to none. A native function counts for its caller. */
function partsOf(nodes: readonly TickNode[]): Map<number, Part> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parts = new Map<number, Part>();
  const [root] = nodes;
  const visit = (node: TickNode, callers: Part): void => {
    const { functionName, url } = node.callFrame;
    if (functionName !== "(idle)") parts.set(node.id, partAt(functionName, url) ?? callers);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) visit(child, parts.get(node.id) ?? "system");
    }
  };
  if (root !== undefined) visit(root, "system");
  return parts;
}

function partAt(functionName: string, url: string): Part | undefined {
  if (functionName === "(garbage collector)") return "garbage";
  if (functionName === "(program)") return "system";
  if (url.startsWith("node:internal/crypto")) return "ciphers";
  if (url.startsWith("node:")) return "node";
  const folder = /\/packages\/(\w+)\//.exec(url)?.[1];
  if (folder === "framing" || folder === "crypto") return folder;
  if (folder !== undefined) return "session";
  return url === "" ? undefined : "benchmark";
}
