/** A shorter batch is never cut. In bytes. */
export const HEAD_START_BYTES = 1_000;

/** The first batch of a tick is not cut before it has so many bytes. */
const FIRST_BYTES = 2_000;

/**
 * Small messages get their head start in numbers that this divides. An answer has other bytes than its request, but there are as many: if
 * both sides cut by bytes alone, one or two messages remain each time, for a record, a write and a wake-up of their own.
 */
const FIRST_MESSAGES = 8;

/** From this size on, the first batch is cut behind any number of messages. In bytes. */
const FIRST_LONG_BYTES = 3_072;

/** The further ones of a tick are cut behind a multiple of so many messages. */
const FURTHER_MESSAGES = 16;

/** Each one costs both ends a record and a call of the kernel. */
const PER_TICK = 4;

/**
 * Whether the batch of a tick is sent here, before the end of the tick, so that the peer works on it while the rest is gathered. One
 * alone is not enough when both sides have as much to do: with 64 calls in flight, each waited until the other had worked on most of them.
 * @param bytes of the batch, at least `HEAD_START_BYTES`
 * @param given batches of this tick that were sent before its end
 */
export function isHeadStart(bytes: number, messages: number, given: number): boolean {
  if (given > 0) return given < PER_TICK && messages > 0 && messages % FURTHER_MESSAGES === 0;
  if (bytes < FIRST_BYTES) return false;
  return bytes < FIRST_LONG_BYTES ? messages > 0 && messages % FIRST_MESSAGES === 0 : messages > 1;
}
