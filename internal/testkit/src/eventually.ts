import { setImmediate, setTimeout } from "node:timers/promises";

/** How long it may take, in milliseconds: less than a test may. */
const PATIENCE_MS = 20_000;
/** A step of this process alone takes no more turns of the event loop. */
const TURNS = 100;
/** A step that takes longer waits for another process, which may need this core. */
const PAUSE_MS = 1;

/**
 * Resolves with the result of `check` once it no longer throws, and tries again in each of the next turns of the event loop, then
 * every millisecond. Use it instead of vitest's `waitFor` and `poll`: these give up after one second, which a busy machine
 * exceeds, and they advance a stopped clock.
 */
export async function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  // A stopped clock does not stop `hrtime`.
  const giveUpAt = process.hrtime.bigint() + BigInt(PATIENCE_MS) * 1_000_000n;
  for (let turn = 0; ; turn++) {
    try {
      return await check();
    } catch (error) {
      if (process.hrtime.bigint() > giveUpAt) throw error;
    }
    await (turn < TURNS ? setImmediate() : setTimeout(PAUSE_MS));
  }
}
