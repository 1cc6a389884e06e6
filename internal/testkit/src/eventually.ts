import { setImmediate } from "node:timers/promises";

/** How long it may take, in milliseconds: less than a test may. */
const PATIENCE_MS = 20_000;

/**
 * Resolves as soon as `check` no longer throws, looking again in every turn of the event loop. For tests with a stopped
 * clock: vitest's `waitFor` and `poll` make it go on.
 */
export async function eventually(check: () => unknown): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
    await setImmediate();
  }
}
