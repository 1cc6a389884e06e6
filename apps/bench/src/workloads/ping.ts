import type { Caller } from "../caller.js";
import { KIND } from "../message-kind.js";
import { makePayload } from "../payload.js";
import { settle, WINDOW_MS } from "./settle.js";

/** Round trips that are measured: so many, or as many as come about in so long. */
export interface RoundTrips {
  readonly size: number;
  readonly pings: number;
  readonly pingMs: number;
}

/** Measures round trips, after a warm-up that lasts until they have settled. Resolves with their times in microseconds. */
export async function pingSteadily(
  caller: Caller,
  { size, pings, pingMs }: RoundTrips,
): Promise<{ readonly timesUs: number[]; readonly isSettled: boolean }> {
  const windowMs = Math.min(WINDOW_MS, pingMs);
  const isSettled = await settle(() => ping(caller, size, Number.POSITIVE_INFINITY, windowMs));
  return { timesUs: await ping(caller, size, pings, pingMs), isSettled };
}

/**
 * Sends a message and waits for it to come back, `count` times or until `mostMs` are over. Resolves with how long each took,
 * in microseconds.
 */
export function ping(
  caller: Caller,
  size: number,
  count: number,
  mostMs: number = Number.POSITIVE_INFINITY,
): Promise<number[]> {
  const payload = makePayload(KIND.echo, size, caller.adapter.isText);
  const { link } = caller;
  const timesUs: number[] = [];
  return new Promise((resolve, reject) => {
    const giveUpAt = performance.now() + mostMs;
    let from = 0;
    const next = (): void => {
      from = performance.now();
      void link.send(KIND.echo, payload);
    };
    caller.onMessage((kind, { length }) => {
      const now = performance.now();
      timesUs.push((now - from) * 1_000);
      if (kind !== KIND.echo || length !== size) reject(new Error(`kind ${kind}, ${length} bytes came back`));
      else if (timesUs.length === count || now >= giveUpAt) resolve(timesUs);
      else next();
    });
    next();
  });
}
