import type { Duplex } from "node:stream";
import { hasEnded } from "./stream-input.js";
import { startTimeLimit } from "./time-limit.js";

/** Minimum time that a peer gets to end its side after this side has ended, in milliseconds. */
const LINGER_MS = 250;

/**
 * Ends this side, discards input until the peer ends its side or the time is over, then destroys the stream.
 *
 * Closing with unread input resets the connection: the peer may then never read the last bytes, and a Go server panics on it. So does
 * a write of the peer's after the close, so a peer that still sends gets more time.
 * @param lingerMs time for the peer to end its side; at least 250 ms apply
 * @param mostMs that time begins again with each byte of the peer's, until so many milliseconds are over
 */
export function closeGracefully(
  stream: Duplex,
  lingerMs: number = LINGER_MS,
  mostMs: number = lingerMs,
): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) {
      resolve();
      return;
    }
    const giveUpAt = performance.now() + mostMs;
    const destroy = (): void => void stream.destroy();
    // Do not rely on 'close', because a stream supplied by the caller may never emit it.
    const giveUp = (): void => {
      stream.off("data", renew);
      destroy();
      limit = startTimeLimit(LINGER_MS, resolve, { keepsAlive: true });
    };
    let limit = startTimeLimit(Math.max(lingerMs, LINGER_MS), giveUp, { keepsAlive: true });
    const renew = (): void => {
      const restMs = giveUpAt - performance.now();
      if (restMs < lingerMs) return;
      limit.cancel();
      limit = startTimeLimit(Math.max(lingerMs, LINGER_MS), giveUp, { keepsAlive: true });
    };
    if (mostMs > lingerMs) stream.on("data", renew);
    stream.once("close", () => {
      limit.cancel();
      resolve();
    });
    // Wait for both, because the peer may end while our last bytes are not written yet.
    const destroyWhenBoth = (): void => {
      if (hasEnded(stream) && stream.writableFinished) destroy();
    };
    stream.once("end", destroyWhenBoth);
    stream.once("finish", destroyWhenBoth);
    stream.on("error", ignore);
    stream.end();
    stream.resume();
    destroyWhenBoth();
  });
}

/** Destroys the stream and ignores later errors. */
export function destroyStream(stream: Duplex): void {
  stream.on("error", ignore);
  stream.destroy();
}

function ignore(): void {}

/** Sets whether a stream keeps the process alive, if it supports that: sockets do, most other streams do not. */
export function setStreamReferenced(stream: Duplex, referenced: boolean): void {
  const method: unknown = Reflect.get(stream, referenced ? "ref" : "unref");
  if (typeof method === "function") method.call(stream);
}
