import type { Duplex } from "node:stream";

const ignore = (): void => {};

/**
 * Returns the stream, which from now on survives an 'error' that nobody listens for.
 *
 * A peer can reset a connection between its birth and the moment its owner listens; without a listener Node turns that
 * into an uncaught exception, which would let a stranger end the process. The owner still gets every 'error' it listens
 * for, and 'close' follows in any case.
 */
export function guardStream<S extends Duplex>(stream: S): S {
  return stream.on("error", ignore);
}
