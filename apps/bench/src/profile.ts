import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Order, Outcome } from "./order.js";
import { runProcess } from "./run-process.js";

const MILLISECOND_US = 1_000;

/** The parts of a process's time when it sends messages, in the order of the table's columns. */
export const PARTS = ["framing", "crypto", "session", "benchmark", "ciphers", "node", "system", "garbage"] as const;

/** The same when it makes calls. */
export const CALL_PARTS: readonly CallPart[] = ["rpc", "JSON", ...PARTS];

type MessagePart = (typeof PARTS)[number];

export type CallPart = "rpc" | "JSON" | MessagePart;

/** Shares of sampled time. V8 drops samples on a busy machine, so there may be none to take shares of. */
interface Shares<P extends CallPart> {
  /** Share of the sampled time in which the event loop's thread did not sleep, 0 … 1. Undefined: no samples. */
  readonly busy?: number | undefined;
  /** Shares of the busy time, which sum to 1. Undefined: no samples of a busy thread. */
  readonly parts?: Readonly<Record<P, number>> | undefined;
}

/** The profile of the event loop's thread of one process. */
export interface Profile<P extends CallPart = MessagePart> extends Shares<P> {
  readonly contestant: string;
  readonly end: "client" | "server";
}

/** The work that runs while both processes are profiled. */
export interface ProfiledWork<P extends CallPart> {
  /** The file of the client's process, which gets the contestant and the order. */
  readonly program: string;
  readonly contestant: string;
  readonly order: Order;
  /** The parts that the time is divided into. */
  readonly parts: readonly P[];
}

/** Carries out an order with V8's sampling profiler in both processes, and sums up the samples of the work's last `lastMs`. */
export async function profile<P extends CallPart>(
  { program, contestant, order, parts }: ProfiledWork<P>,
  lastMs: number,
): Promise<Profile<P>[]> {
  const folder = await mkdtemp(join(tmpdir(), "ipc-profile-"));
  try {
    // The server's process is forked with the same flags.
    const flags = ["--expose-gc", "--cpu-prof", `--cpu-prof-dir=${folder}`];
    const args = [...flags, program, contestant, JSON.stringify(order)];
    const { untilUs } = JSON.parse(await runProcess(process.execPath, args)) as Outcome;
    if (untilUs === undefined) throw new Error(`${order.workload} does not report the end of its work`);
    const window = { fromUs: untilUs - lastMs * MILLISECOND_US, untilUs };
    const files = await readdir(folder);
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
    // The client's process starts first, because it forks the server's.
    const [client, server] = texts.map((text) => JSON.parse(text) as Ticks).sort((a, b) => a.startTime - b.startTime);
    if (client === undefined || server === undefined) throw new Error(`${contestant}: ${files.length} profiles of 2`);
    return [
      { contestant, end: "client", ...sumUpTicks(client, window, parts) },
      { contestant, end: "server", ...sumUpTicks(server, window, parts) },
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
export function sumUpTicks<P extends CallPart>(
  { nodes, samples, timeDeltas, startTime, endTime }: Ticks,
  { fromUs, untilUs }: Window,
  parts: readonly P[],
): Shares<P> {
  if (untilUs < startTime || untilUs > endTime)
    throw new Error(`the work ended at ${untilUs} µs, outside its profile of ${startTime} to ${endTime} µs`);
  const partOf = partsOf(nodes);
  const spentUs = new Map<CallPart | undefined, number>();
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
  const shares = parts.map((part) => [part, (spentUs.get(part) ?? 0) / busyUs] as const);
  return { busy: busyUs / allUs, parts: Object.fromEntries(shares) as Record<P, number> };
}

/** The head of a table of profiles, from the column `end` on. */
export function profileHead(parts: readonly string[]): string[] {
  return ["end", "awake, %", ...parts.map((part) => `${part}, %`)];
}

/** The cells of a profile below that head. */
export function profileCells<P extends CallPart>(
  { end, busy, parts: shares }: Profile<P>,
  parts: readonly P[],
): string[] {
  const percent = (share: number): string => (share * 100).toFixed(0);
  return [
    ...[end, busy === undefined ? "no samples" : percent(busy)],
    ...parts.map((part) => (shares === undefined ? "–" : percent(shares[part]))),
  ];
}

/** Maps each node to its part, a sleeping one to none. A native function counts for its caller. */
function partsOf(nodes: readonly TickNode[]): Map<number, CallPart> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parts = new Map<number, CallPart>();
  const [root] = nodes;
  const visit = (node: TickNode, callers: CallPart): void => {
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

/** The functions of @ipc/rpc that encode and decode values. V8 counts JSON.parse and JSON.stringify for their callers. */
export const JSON_FUNCTIONS: readonly string[] = ["encodeValue", "mayContainBytes", "decodeValue", "textOf"];

function partAt(functionName: string, url: string): CallPart | undefined {
  if (functionName === "(garbage collector)") return "garbage";
  if (functionName === "(program)") return "system";
  if (url.startsWith("node:internal/crypto")) return "ciphers";
  if (url.startsWith("node:")) return "node";
  const folder = /\/packages\/(\w+)\//.exec(url)?.[1];
  if (folder === "framing" || folder === "crypto") return folder;
  if (folder === "rpc") return JSON_FUNCTIONS.includes(functionName) ? "JSON" : "rpc";
  if (folder !== undefined) return "session";
  return url === "" ? undefined : "benchmark";
}
