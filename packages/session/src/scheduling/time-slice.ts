/** How long a connection decodes and delivers before the event loop has a turn, in milliseconds. */
const SLICE_MS = 1;

/** Steps between two looks at the clock: a look may cost as much as a small plain message. */
const STEPS_BETWEEN_SAMPLES = 16;

/**
 * The time that one connection has had of the event loop, over as many chunks as it took. A peer decides how many records and
 * messages it makes of its bytes, each costs a cipher call or a listener's, and the system hands over megabytes in one turn:
 * without an end to it, one peer would stop every timer and every other connection.
 */
export class TimeSlice {
  #spentMs = 0;
  #steps = 0;
  #sampledAt = 0;
  /** Since it began. */
  #hasWorked = false;
  #isReferenced = true;
  #isExpired = false;
  #pendingYield: NodeJS.Immediate | undefined;

  /** Whether the loop has a turn now. */
  get isYielding(): boolean {
    return this.#pendingYield !== undefined;
  }

  /** Whether the time is used up, as far as `isOver` has looked. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  /** Work begins: what was before was none. */
  begin(): void {
    this.#hasWorked = false;
    this.#sampledAt = performance.now();
  }

  /** There is nothing more to do for now: a few messages a chunk take their time, too. */
  end(): void {
    if (this.#hasWorked) this.#sample();
  }

  /** Counts a step of the work, and says whether it was the last one for now. */
  countStep(): boolean {
    this.#hasWorked = true;
    this.#steps++;
    if (this.#steps % STEPS_BETWEEN_SAMPLES === 0) this.#sample();
    return this.#isExpired;
  }

  /** Leaves the loop a turn, then has its whole time again, and goes on. */
  yield(resume: () => void): void {
    this.#pendingYield = setImmediate(() => {
      this.#pendingYield = undefined;
      this.#spentMs = 0;
      this.#isExpired = false;
      resume();
    });
    if (!this.#isReferenced) this.#pendingYield.unref();
  }

  /** Whether a rest keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#isReferenced = referenced;
    if (referenced) this.#pendingYield?.ref();
    else this.#pendingYield?.unref();
  }

  /** It does not go on any more. */
  cancel(): void {
    clearImmediate(this.#pendingYield);
    this.#pendingYield = undefined;
  }

  #sample(): void {
    const now = performance.now();
    this.#spentMs += now - this.#sampledAt;
    this.#sampledAt = now;
    this.#isExpired = this.#spentMs >= SLICE_MS;
  }
}
