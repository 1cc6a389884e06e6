import type { Caller } from "../caller.js";
import { KIND } from "../message-kind.js";
import { makePayload } from "../payload.js";

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
