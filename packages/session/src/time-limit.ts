import { clearTimeout, setTimeout } from "node:timers";

/** A running time limit. */
export interface TimeLimit {
  /** Ends it without a call. Idempotent. */
  cancel(): void;
}

export interface TimeLimitOptions {
  /** Whether the timer keeps the process alive: the caller waits for the end. @default false */
  readonly keepsAlive?: boolean;
}

/**
 * Calls `onOver` after `ms` milliseconds, unless it is cancelled before.
 *
 * Timers run before input is read: after the process was busy, a limit would end a wait whose answer lies in the kernel, or that the
 * kernel has not been offered. So a timer that fires late gives once as much time again as it is late, at most `ms`.
 */
export function startTimeLimit(
  ms: number,
  onOver: () => void,
  { keepsAlive = false }: TimeLimitOptions = {},
): TimeLimit {
  const start = (delayMs: number, callback: () => void): NodeJS.Timeout => {
    const started = setTimeout(callback, delayMs);
    return keepsAlive ? started : started.unref();
  };
  const dueAt = performance.now() + ms;
  let timer = start(ms, () => {
    const lateMs = performance.now() - dueAt;
    if (lateMs < 1) onOver();
    else timer = start(Math.min(lateMs, ms), onOver);
  });
  return { cancel: () => clearTimeout(timer) };
}
