/** How much all senders of this process may batch before the event loop has its turn. */
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

/** Until when the event loop is kept from sleeping; undefined while nobody asks for it. */
let pollUntilMs: number | undefined;

/**
 * For the next `us` microseconds the event loop of this process asks the system for what is there instead of sleeping until
 * something is: an answer that comes meanwhile costs no wake-up, on either side of the system call.
 *
 * A pending immediate is what keeps libuv from sleeping. Timers and reads have their turn in each round of the loop.
 */
export function busyPoll(us: number): void {
  const endMs = performance.now() + us / 1_000;
  if (pollUntilMs !== undefined) {
    pollUntilMs = Math.max(pollUntilMs, endMs);
    return;
  }
  pollUntilMs = endMs;
  setImmediate(poll);
}

function poll(): void {
  if (pollUntilMs !== undefined && performance.now() < pollUntilMs) {
    setImmediate(poll);
    return;
  }
  pollUntilMs = undefined;
}
