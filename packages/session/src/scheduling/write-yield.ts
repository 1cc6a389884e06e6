/** How much all outboxes of this process may gather before the event loop has its turn. */
const YIELD_AFTER_BYTES = 262_144;

let batchedBytes = 0;
let macrotask: Promise<void> | undefined;

/** Takes note of what has been gathered in this tick. True when it is enough, over all connections of this process. */
export function noteBatched(bytes: number): boolean {
  batchedBytes += bytes;
  return batchedBytes >= YIELD_AFTER_BYTES;
}

/** The tick is over: timers and reads come before the next one. */
export function noteTickEnd(): void {
  batchedBytes = 0;
}

/** Flushes that may follow each other before the loop has its turn. */
const FLUSHES_PER_MACROTASK = 16;

let flushes = 0;

/**
 * Takes note of a flush. True when there were many since the loop's last turn: the kernel takes what is small at once, and a
 * loop that waits for each flush would starve timers and reads.
 */
export function noteFlush(): boolean {
  if (flushes++ === 0) {
    setImmediate(() => {
      flushes = 0;
    });
  }
  return flushes > FLUSHES_PER_MACROTASK;
}

/** Resolves in the loop's next turn: the same promise for all who ask in this one. */
export function nextMacrotask(): Promise<void> {
  macrotask ??= new Promise((resolve) => {
    setImmediate(() => {
      macrotask = undefined;
      resolve();
    });
  });
  return macrotask;
}
