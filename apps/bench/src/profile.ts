import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Order, Outcome } from "./order.js";
import { runProcess } from "./run-process.js";

const CLIENT = fileURLToPath(new URL("../dist/client-process.js", import.meta.url));

const MILLISECOND_US = 1_000;

/** Where a process can spend its time, in the order of the table. */
export const PARTS = ["framing", "crypto", "session", "benchmark", "ciphers", "node", "system", "garbage"] as const;

type Part = (typeof PARTS)[number];

/** Where the event loop's thread of one process has spent its time. */
export interface Profile {
  readonly contestant: string;
  readonly end: "client" | "server";
  /** Share of the time in which it did not sleep, 0 … 1. */
  readonly busy: number;
  /** Shares of that, which make 1. */
  readonly parts: Readonly<Record<Part, number>>;
}

/** Carries out an order with V8's sampling profiler in both processes, and sums up its ticks of the last `lastMs` of the work. */
export async function profile(contestant: string, order: Order, lastMs: number): Promise<Profile[]> {
  const folder = await mkdtemp(join(tmpdir(), "ipc-profile-"));
  try {
    // The server's process is forked with the same flags.
    const flags = ["--expose-gc", "--cpu-prof", `--cpu-prof-dir=${folder}`];
    const args = [...flags, CLIENT, contestant, JSON.stringify(order)];
    const { untilUs } = JSON.parse(await runProcess(process.execPath, args)) as Outcome;
    if (untilUs === undefined) throw new Error(`${order.workload} does not tell when its work was done`);
    const window = { fromUs: untilUs - lastMs * MILLISECOND_US, untilUs };
    const files = await readdir(folder);
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
    const [client, server] = texts.map((text) => JSON.parse(text) as Ticks).sort((a, b) => a.startTime - b.startTime);
    // The client's process starts the server's.
    if (client === undefined || server === undefined) throw new Error(`${contestant}: ${files.length} profiles of 2`);
    return [
      { contestant, end: "client", ...sumUpTicks(client, window) },
      { contestant, end: "server", ...sumUpTicks(server, window) },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What of V8's profiles is read here. @see https://chromedevtools.github.io/devtools-protocol/tot/Profiler */
export interface Ticks {
  /** In microseconds of the machine's clock. */
  readonly startTime: number;
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

/** What of a profile counts, in microseconds of the machine's clock. */
interface Window {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** Sums up what lies in the window: what starts, connects and compiles comes before, what closes behind. */
export function sumUpTicks(
  { nodes, samples, timeDeltas, startTime }: Ticks,
  { fromUs, untilUs }: Window,
): Pick<Profile, "busy" | "parts"> {
  const partOf = partsOf(nodes);
  const parts = Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<Part, number>;
  let idle = 0;
  let busy = 0;
  let nowUs = startTime;
  for (const [index, us] of timeDeltas.entries()) {
    nowUs += us;
    if (nowUs <= fromUs || nowUs > untilUs) continue;
    const part = partOf.get(samples[index] ?? 0);
    if (part === undefined) {
      idle += us;
    } else {
      busy += us;
      parts[part] += us;
    }
  }
  for (const part of PARTS) parts[part] /= busy || 1;
  return { busy: busy / (busy + idle || 1), parts };
}

/** Which part each node belongs to; none where it sleeps. A native function's is its caller's. */
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
