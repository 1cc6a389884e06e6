import { OpenSteps } from "../open-steps.js";

/**
 * Counts the messages of a resumable session that the application is done with, in order: up to the first whose step is not over.
 *
 * ```
 *  1 … taken │ in progress, or done behind one that is │ handed out later …
 * ```
 */
export class TakenSteps extends OpenSteps {
  #handedOut = 0;
  /** Steps in progress of the message that was handed out last: mostly they are over before the next one is. */
  #newest = 0;
  /** Whether listeners have it and have not returned. No step, because most messages are received and handled this way. */
  #isDelivering = false;
  /** Those of earlier messages, by their numbers, in order. */
  readonly #earlier = new Map<number, number>();
  readonly #onChange: () => void;

  /** @param onChange called when `taken` may have grown, except while a message is received: `onBatch` follows that */
  constructor(onSettled: () => void, onChange: () => void) {
    super(onSettled);
    this.#onChange = onChange;
  }

  /** Messages that the application is done with, and no earlier one is in progress. */
  get taken(): number {
    for (const first of this.#earlier.keys()) return first - 1;
    return this.#newest > 0 || this.#isDelivering ? this.#handedOut - 1 : this.#handedOut;
  }

  override handOut(): void {
    this.#next();
    this.#onChange();
  }

  /** While a listener runs, the message is not taken: the listener may return a promise, and may announce the end of its peer. */
  override deliver(): boolean {
    this.#next();
    this.#isDelivering = true;
    return true;
  }

  override delivered(): void {
    this.#isDelivering = false;
  }

  override begin(isTaken = false): number {
    super.begin();
    if (isTaken) return 0;
    this.#newest++;
    return this.#handedOut;
  }

  override end(step: number): void {
    super.end(step);
    this.#close(step);
  }

  override settle(step: number): void {
    this.#close(step);
    super.settle(step);
  }

  #next(): void {
    if (this.#newest > 0) this.#earlier.set(this.#handedOut, this.#newest);
    this.#newest = 0;
    this.#handedOut++;
  }

  #close(number: number): void {
    if (number === 0) return;
    if (number === this.#handedOut) this.#newest--;
    else {
      const left = (this.#earlier.get(number) ?? 1) - 1;
      if (left > 0) this.#earlier.set(number, left);
      else this.#earlier.delete(number);
    }
    this.#onChange();
  }
}
