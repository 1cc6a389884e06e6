import { clearTimeout, setTimeout } from "node:timers";
import { Deferred } from "./deferred.js";

/** A running time limit. */
export interface TimeLimit {
  /** Ends it without a call. Idempotent. */
  cancel(): void;
}

/**
 * Calls `onOver` after `ms` milliseconds, unless it is cancelled before. The timer does not keep the process alive.
 *
 * Timers run before input is read: after the process was busy, a limit would end a wait whose answer lies in the kernel. So a timer
 * that fires late gives once as much time again as it is late, at most `ms`.
 */
export function startTimeLimit(ms: number, onOver: () => void): TimeLimit {
  const dueAt = performance.now() + ms;
  let timer = setTimeout(() => {
    const lateMs = performance.now() - dueAt;
    if (lateMs < 1) {
      onOver();
      return;
    }
    timer = setTimeout(onOver, Math.min(lateMs, ms)).unref();
  }, ms).unref();
  return { cancel: () => clearTimeout(timer) };
}

/** Waits for `promise` for at most `ms` milliseconds, because it may depend on user code that never ends. */
export function settleWithin(ms: number, promise: Promise<void>): Promise<void> {
  const settled = new Deferred<void>({ what: "wait", timeout: { ms, value: undefined }, onCancel: () => {} });
  promise.then(
    () => settled.resolve(),
    (error: Error) => settled.reject(error),
  );
  return settled.promise;
}
