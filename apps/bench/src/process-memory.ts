import { setImmediate as nextTurn } from "node:timers/promises";

/** The memory of a process, in bytes. */
export interface ProcessMemory {
  readonly heapUsed: number;
  /** Outside of the heap: buffers. */
  readonly external: number;
  /** Resident set: all of the process. */
  readonly rss: number;
}

/** Collects the garbage and looks. The process runs with --expose-gc. */
export async function processMemory(): Promise<ProcessMemory> {
  if (global.gc === undefined) throw new Error("run with --expose-gc");
  // Closed handles are let go in the event loop's next iterations.
  for (let round = 0; round < 3; round++) {
    await nextTurn();
    global.gc();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapUsed, external, rss };
}
