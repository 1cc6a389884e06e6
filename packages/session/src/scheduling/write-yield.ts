import { setImmediate } from "node:timers";

/** Bytes that all senders of this process may batch in a tick before their writes yield to the event loop. */
const YIELD_AFTER_BYTES = 262_144;

let batchedBytes = 0;
let macrotask: Promise<void> | undefined;

/** Counts bytes batched in this tick. Returns true once all connections of this process have batched 256 KiB. */
export function noteBatched(bytes: number): boolean {
  batchedBytes += bytes;
  return batchedBytes >= YIELD_AFTER_BYTES;
}

/** Resets the count at the end of a tick, because timers and reads run before the next one. */
export function noteTickEnd(): void {
  batchedBytes = 0;
}

/** Flushes that may follow each other before they yield to the event loop. */
const FLUSHES_PER_MACROTASK = 16;

let flushes = 0;

/**
 * Counts a flush. Returns true after the first 16 in a macrotask: the kernel accepts small writes at once, so a loop that
 * awaits each flush would starve timers and reads.
 */
export function noteFlush(): boolean {
  if (flushes++ === 0) {
    setImmediate(() => {
      flushes = 0;
    });
  }
  return flushes > FLUSHES_PER_MACROTASK;
}

/** Resolves in the next macrotask; all callers in this one share the promise. */
export function nextMacrotask(): Promise<void> {
  macrotask ??= new Promise((resolve) => {
    setImmediate(() => {
      macrotask = undefined;
      resolve();
    });
  });
  return macrotask;
}

/** Time until which the event loop polls instead of sleeping; undefined while it does not poll. */
let pollUntilMs: number | undefined;

/**
 * Makes the event loop of this process poll the kernel instead of sleeping for the next `us` microseconds, so that an answer in
 * that time costs no wake-up, in the kernel or in the process.
 *
 * A pending immediate keeps libuv from sleeping; timers and reads still run in each iteration of the loop.
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
