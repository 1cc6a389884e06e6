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
  /** The steps in progress of each message by its number, in order. */
  readonly #open = new Map<number, number>();
  readonly #onChange: () => void;

  /** @param onChange called when `taken` may have grown */
  constructor(onSettled: () => void, onChange: () => void) {
    super(onSettled);
    this.#onChange = onChange;
  }

  /** Messages that the application is done with, and no earlier one is in progress. */
  get taken(): number {
    for (const first of this.#open.keys()) return first - 1;
    return this.#handedOut;
  }

  override handOut(): void {
    this.#handedOut++;
    this.#onChange();
  }

  /** While a listener runs, the message is not taken: the listener may return a promise, and may announce the end of its peer. */
  override deliver(): number {
    this.#handedOut++;
    return this.begin();
  }

  override begin(isTaken = false): number {
    super.begin();
    if (isTaken) return 0;
    const number = this.#handedOut;
    this.#open.set(number, (this.#open.get(number) ?? 0) + 1);
    return number;
  }

  override end(step: number): void {
    super.end(step);
    this.#close(step);
  }

  override settle(step: number): void {
    this.#close(step);
    super.settle(step);
  }

  #close(number: number): void {
    if (number === 0) return;
    const left = (this.#open.get(number) ?? 1) - 1;
    if (left > 0) this.#open.set(number, left);
    else this.#open.delete(number);
    this.#onChange();
  }
}
