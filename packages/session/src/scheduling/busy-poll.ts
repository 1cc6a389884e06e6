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
