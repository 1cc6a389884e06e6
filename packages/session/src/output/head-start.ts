/** A shorter batch is not cut. In bytes. */
export const HEAD_START_BYTES = 1_000;

/**
 * Batches are cut behind a multiple of so many messages. An answer has other bytes than its request, but there are as many: if both
 * sides cut by bytes alone, one or two messages remain each time, for a record, a write and a wake-up of their own.
 */
const MESSAGES = 16;

/** From this size on, the first batch of a tick is cut behind any two messages or more. In bytes. */
const LONG_BYTES = 3_072;

/** After a tick with a batch of this size or more, the peer has enough to work on, and short writes would only cost. */
export const FLOW_BYTES = 32_768;

/** Each one costs both ends a record and a call of the kernel. */
const PER_TICK = 4;

/**
 * Whether the batch of a tick is sent here, before the end of the tick, so that the peer works on it while the rest is gathered. With 64
 * calls in flight, neither side then waits until the other has worked on all of them.
 * @param bytes of the batch, at least `HEAD_START_BYTES`
 * @param given batches of this tick that were sent before its end
 */
export function isHeadStart(bytes: number, messages: number, given: number): boolean {
  if (given >= PER_TICK || messages === 0) return false;
  return messages % MESSAGES === 0 || (given === 0 && messages > 1 && bytes >= LONG_BYTES);
}
