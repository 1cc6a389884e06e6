import { clearImmediate, setImmediate } from "node:timers";

/** How long a connection decodes and delivers before it yields to the event loop, in milliseconds. */
const SLICE_MS = 1;

/**
 * From when on it yields at the end of a chunk, in milliseconds: what answers the messages of a chunk then leaves in one write, which
 * the end of the slice in its middle would cut in two.
 */
const CHUNK_END_MS = 0.5;

/** Steps between two clock samples, because a sample may cost as much as a small unencrypted message. */
const STEPS_BETWEEN_SAMPLES = 16;

/**
 * Bounds the time that one connection uses of the event loop, over any number of chunks. A peer chooses how many records and
 * messages its bytes form, each costs a cipher or listener call, and the kernel can deliver megabytes in one macrotask: without
 * a bound, one peer would block every timer and every other connection.
 */
export class TimeSlice {
  #spentMs = 0;
  #steps = 0;
  #sampledAt = 0;
  /** Whether a step was counted since `begin`. */
  #hasWorked = false;
  #isExpired = false;
  #pendingYield: NodeJS.Immediate | undefined;

  /** Whether the connection has yielded and has not resumed yet. */
  get isYielding(): boolean {
    return this.#pendingYield !== undefined;
  }

  /** Whether the time was used up at the last clock sample, or half of it at the end of a chunk. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  /** Starts timing work; the time since the last work does not count. */
  begin(): void {
    this.#hasWorked = false;
    this.#sampledAt = performance.now();
  }

  /** Stops timing work, at the end of a chunk. Samples the clock, so that chunks of fewer than 16 messages count too. */
  end(): void {
    if (this.#hasWorked) this.#sample(CHUNK_END_MS);
  }

  /** Counts one step of work and returns whether the slice has expired. */
  countStep(): boolean {
    this.#hasWorked = true;
    this.#steps++;
    if (this.#steps % STEPS_BETWEEN_SAMPLES === 0) this.#sample(SLICE_MS);
    return this.#isExpired;
  }

  /**
   * Yields to the event loop, then calls `resume` with a new slice. The immediate stays referenced: a socket that a full buffer or
   * its peer's end has stopped does not keep the process alive, so the process would end with input that it has received.
   */
  yield(resume: () => void): void {
    this.#pendingYield = setImmediate(() => {
      this.#pendingYield = undefined;
      this.#spentMs = 0;
      this.#isExpired = false;
      resume();
    });
  }

  /** Cancels a pending yield: `resume` is not called. */
  cancel(): void {
    clearImmediate(this.#pendingYield);
    this.#pendingYield = undefined;
  }

  #sample(limitMs: number): void {
    const now = performance.now();
    this.#spentMs += now - this.#sampledAt;
    this.#sampledAt = now;
    this.#isExpired = this.#spentMs >= limitMs;
  }
}
