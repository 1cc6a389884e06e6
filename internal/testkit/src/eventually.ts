import { setImmediate } from "node:timers/promises";

/** How long it may take, in milliseconds: less than a test may. */
const PATIENCE_MS = 20_000;

/**
 * Resolves with the result of `check` once it no longer throws, and tries again in every turn of the event loop. Use it
 * instead of vitest's `waitFor` and `poll`: these give up after one second, which a busy machine exceeds, and they advance
 * a stopped clock.
 */
export async function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  // A stopped clock does not stop `hrtime`.
  const giveUpAt = process.hrtime.bigint() + BigInt(PATIENCE_MS) * 1_000_000n;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (process.hrtime.bigint() > giveUpAt) throw error;
    }
    await setImmediate();
  }
}
