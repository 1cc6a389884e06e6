import { clearInterval, setInterval } from "node:timers";
import { setTimeout as pause } from "node:timers/promises";
import { type IpcError, type IpcErrorCode, SessionError } from "@ipc/session";
import {
  abortError,
  asIpcError,
  destroyStream,
  type EstablishedConnection,
  startTimeLimit,
  traitsOf,
} from "@ipc/session/internal";
import { TransportError } from "@ipc/transport";
import type { RetrySchedule } from "./retry-schedule.js";

/**
 * Consecutive failed authentications that are final at the start. One failure is not, because a server also ends a connection
 * silently when another client connected first, when it is overloaded, and when it is closing.
 * @see docs/adr/0014-retry-a-failed-authentication.md
 */
const MAX_AUTH_FAILURES = 3;

/**
 * An attempt during which the event loop was blocked for this time, in milliseconds, says nothing about the server: it may have
 * waited in vain for this process's answers.
 */
const BLOCKED_MS = 1_000;
const SAMPLE_MS = 250;

/** The best connection that a client has had to its server so far. */
export type ConnectionHistory = "no connection" | "a connection" | "a secure session";

export interface DialOptions {
  readonly what: "connect" | "re-connect";
  readonly address: string;
  readonly history: ConnectionHistory;
  /** Dials once and runs the handshake. */
  readonly attempt: (signal: AbortSignal) => Promise<EstablishedConnection>;
  readonly schedule: RetrySchedule;
  /** Whether to wait before the first attempt as well. */
  readonly waitFirst: boolean;
  readonly retry: boolean;
  /** Time limit for all attempts, in milliseconds; 0 = none. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called after each failed attempt that is retried. `again`: it failed with the same code as the attempt before. */
  readonly onFailed?: (error: IpcError, again: boolean) => void;
}

/**
 * Dials until a connection is established.
 * @throws SessionError IPC_TIMED_OUT, IPC_ABORTED, and the first error that is not retryable; at the start,
 * IPC_AUTHENTICATION_FAILED three times in a row
 */
export async function dialUntilConnected(plan: DialOptions): Promise<EstablishedConnection> {
  const { what, address, history, attempt, schedule, waitFirst, retry, timeoutMs, signal, onFailed } = plan;
  const over = new AbortController();
  const abort = (): void => over.abort();
  const limit = timeoutMs === 0 ? undefined : startTimeLimit(timeoutMs, abort);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  let attempts = 0;
  let authFailures = 0;
  let loop = retry ? undefined : watchLoop();
  let last: IpcError | undefined;
  const mayRetry = (error: IpcError): boolean => {
    if (isRetryable(error.code, history)) return true;
    return authFailures > 0 && authFailures < MAX_AUTH_FAILURES;
  };
  /** Whether to repeat, once, an attempt that this process itself has spoilt. */
  const wasSpoilt = (error: IpcError): boolean => {
    if (error.code === "IPC_NO_SERVER" || loop === undefined || loop.blockedMs() < BLOCKED_MS) return false;
    loop.stop();
    loop = undefined;
    return mayRetry(error);
  };
  try {
    for (;;) {
      over.signal.throwIfAborted();
      if (attempts > 0 || waitFirst) await pause(schedule.next(), undefined, { signal: over.signal, ref: false });
      attempts++;
      try {
        return await unlessOver(attempt(over.signal), over.signal);
      } catch (error) {
        over.signal.throwIfAborted();
        const failure = asIpcError(
          error,
          (message, options) =>
            new TransportError("IPC_TRANSPORT_FAILED", `dialling ${address} failed: ${message}`, options),
        );
        const again = last?.code === failure.code;
        last = failure;
        authFailures = failure.code === "IPC_AUTHENTICATION_FAILED" ? authFailures + 1 : 0;
        if (!(retry ? mayRetry(failure) : wasSpoilt(failure))) throw failure;
        onFailed?.(failure, again);
      }
    }
  } catch (error) {
    if (signal.aborted) throw abortError(what, signal);
    if (!over.signal.aborted) throw error;
    const message = `timed out trying to ${what} to ${address}: ${tally(attempts, timeoutMs, last)}`;
    throw new SessionError("IPC_TIMED_OUT", message, { cause: last });
  } finally {
    limit?.cancel();
    loop?.stop();
    signal.removeEventListener("abort", abort);
  }
}

/** Measures for how long the event loop was blocked, the longest time of all. */
function watchLoop(): { readonly blockedMs: () => number; readonly stop: () => void } {
  let longestMs = 0;
  let sampledAt = performance.now();
  const sample = (): void => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - sampledAt - SAMPLE_MS);
    sampledAt = now;
  };
  const timer = setInterval(sample, SAMPLE_MS).unref();
  const blockedMs = (): number => {
    // Input may be read before a timer that is late.
    sample();
    return longestMs;
  };
  return { blockedMs, stop: () => clearInterval(timer) };
}

/** Rejects on abort even if a user's transport ignores its signal; a connection that arrives later is destroyed. */
async function unlessOver(attempt: Promise<EstablishedConnection>, over: AbortSignal): Promise<EstablishedConnection> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(over.reason);
    over.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([attempt, aborted]);
  } catch (error) {
    attempt.then(
      ({ stream }) => destroyStream(stream),
      () => {},
    );
    throw error;
  } finally {
    over.removeEventListener("abort", onAbort);
  }
}

/** Returns whether dialling again can succeed after an error with this code. */
export function isRetryable(code: IpcErrorCode, history: ConnectionHistory): boolean {
  const { retryable = "never" } = traitsOf(code);
  switch (retryable) {
    case "always":
      return true;
    case "after a connection":
      return history !== "no connection";
    case "after a secure session":
      return history === "a secure session";
    case "never":
      return false;
  }
}

function tally(attempts: number, timeoutMs: number, last: IpcError | undefined): string {
  if (attempts === 0) return `no attempt within ${timeoutMs} ms`;
  const why = last === undefined ? "the first attempt did not finish" : `last failure: ${last.message}`;
  return `${attempts} attempts in ${timeoutMs} ms; ${why}`;
}
