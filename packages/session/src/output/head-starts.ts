import type { Duplex } from "node:stream";

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
const FLOW_BYTES = 32_768;

/** Each one costs both ends a record and a call of the kernel. */
const PER_TICK = 4;

/**
 * Decides where the batch of a tick is sent before the end of the tick, so that the peer works on it while the rest is gathered. With 64
 * calls in flight, neither side then waits until the other has worked on all of them.
 */
export class HeadStarts {
  readonly #stream: Pick<Duplex, "writableLength">;
  /** Batches of this tick that were sent before its end. */
  #given = 0;
  /** Whether a batch of the last tick was large, and whether one of this tick is. */
  #isFlowing = false;
  #hasFlowed = false;

  constructor(stream: Pick<Duplex, "writableLength">) {
    this.#stream = stream;
  }

  /**
   * Returns whether the batch is sent here; then it counts as one of this tick.
   * @param isShared whether so many connections batch in this tick that each further write and record would cost them all
   */
  take(bytes: number, messages: number, isShared: boolean): boolean {
    if (this.#isFlowing || bytes < HEAD_START_BYTES || this.#given >= (isShared ? 1 : PER_TICK)) return false;
    const isDue = messages % MESSAGES === 0 || (this.#given === 0 && bytes >= LONG_BYTES && messages > 1);
    if (!isDue || messages === 0 || this.#stream.writableLength > 0) return false;
    this.#given++;
    return true;
  }

  /** Takes note of each batch that is sent. */
  noteBatch(bytes: number): void {
    if (bytes >= FLOW_BYTES) this.#hasFlowed = true;
  }

  /** Begins the next tick. Returns whether batches may be due in it. */
  endTick(): boolean {
    this.#given = 0;
    this.#isFlowing = this.#hasFlowed;
    this.#hasFlowed = false;
    return !this.#isFlowing;
  }
}
