/** How long a connection decodes and delivers before the event loop has a turn, in milliseconds. */
const STINT_MS = 1;

/** Steps between two looks at the clock: a look may cost as much as a small plain message. */
const STEPS_BETWEEN_LOOKS = 16;

/**
 * The time that one connection has had of the event loop, over as many chunks as it took. A peer decides how many records and
 * messages it makes of its bytes, each costs a cipher call or a listener's, and the system hands over megabytes in one turn:
 * without an end to it, one peer would stop every timer and every other connection.
 */
export class Stint {
  #spentMs = 0;
  #steps = 0;
  #lookedAt = 0;
  /** Since it began. */
  #hasWorked = false;
  #isReferenced = true;
  #isSpent = false;
  #rest: NodeJS.Immediate | undefined;

  /** Whether the loop has a turn now. */
  get isResting(): boolean {
    return this.#rest !== undefined;
  }

  /** Whether the time is used up, as far as `isOver` has looked. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Work begins: what was before was none. */
  begin(): void {
    this.#hasWorked = false;
    this.#lookedAt = performance.now();
  }

  /** There is nothing more to do for now: a few messages a chunk take their time, too. */
  end(): void {
    if (this.#hasWorked) this.#look();
  }

  /** Counts a step of the work, and says whether it was the last one for now. */
  isOver(): boolean {
    this.#hasWorked = true;
    this.#steps++;
    if (this.#steps % STEPS_BETWEEN_LOOKS === 0) this.#look();
    return this.#isSpent;
  }

  /** Leaves the loop a turn, then has its whole time again, and goes on. */
  rest(goOn: () => void): void {
    this.#rest = setImmediate(() => {
      this.#rest = undefined;
      this.#spentMs = 0;
      this.#isSpent = false;
      goOn();
    });
    if (!this.#isReferenced) this.#rest.unref();
  }

  /** Whether a rest keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.#isReferenced = referenced;
    if (referenced) this.#rest?.ref();
    else this.#rest?.unref();
  }

  /** It does not go on any more. */
  cancel(): void {
    clearImmediate(this.#rest);
    this.#rest = undefined;
  }

  #look(): void {
    const now = performance.now();
    this.#spentMs += now - this.#lookedAt;
    this.#lookedAt = now;
    this.#isSpent = this.#spentMs >= STINT_MS;
  }
}
