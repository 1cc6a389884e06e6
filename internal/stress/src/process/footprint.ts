import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setImmediate as nextMacrotask, setTimeout } from "node:timers/promises";
import { count, sum } from "../report/figure.js";

/** The resources of a process at a moment at which it has nothing to do. Sizes in bytes. */
export interface Footprint {
  readonly heapUsed: number;
  /** Memory outside the heap that objects in it own: buffers. */
  readonly external: number;
  /** Resident set: all of the process. */
  readonly rss: number;
  /** Undefined where the system does not tell. */
  readonly descriptors: number | undefined;
  /** How many sockets, timers and requests keep the process alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

/** How long what has been closed may take to be let go, in milliseconds. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 5;

/** Collects the garbage and looks. The process runs with --expose-gc. */
export async function footprint(): Promise<Footprint> {
  if (global.gc === undefined) throw new Error("run with --expose-gc");
  // Node frees closed handles in the next loop iterations, and a collection may leave finalizers for the next one.
  for (let round = 0; round < 3; round++) {
    await nextMacrotask();
    global.gc();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of activeResources().sort()) count(resources, kind);
  return { heapUsed, external, rss, descriptors: countDescriptors(), resources };
}

/** Whether as many descriptors, sockets, timers and requests are there as before. */
export function isSameCount(one: Footprint, other: Footprint): boolean {
  const countOf = ({ resources }: Footprint): number => sum(Object.values(resources));
  return one.descriptors === other.descriptors && countOf(one) === countOf(other);
}

/** Counts what keeps the process alive, and its descriptors: a manager's slots and connections are unreferenced. */
export function countResources(): number {
  return activeResources().length + (countDescriptors() ?? 0);
}

/** Names what keeps the process alive: sockets, timers, requests. */
export function activeResources(): string[] {
  // Node opens stderr when it destroys the first socket, to compare the two; opened here, it counts from the first look on.
  void process.stderr;
  // An immediate is gone in the next iteration of the event loop, which may be the one that looks.
  return process.getActiveResourcesInfo().filter((kind) => kind !== "Immediate");
}

/** Waits until `isSo`: for what the other end does in its own time. It looks now and then, to leave it the processor. */
export async function waitUntil(what: string, isSo: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await setTimeout(LOOK_EVERY_MS);
  }
}

/** Files that this process may have open, sockets among them; Node has raised it to what it is allowed. */
export async function descriptorLimit(): Promise<number> {
  if (process.platform !== "linux") return Number.POSITIVE_INFINITY;
  const limits = await readFile("/proc/self/limits", "utf8");
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

function countDescriptors(): number | undefined {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : undefined;
}
