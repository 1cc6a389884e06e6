/**
 * Counts the steps in progress that handle messages of one connection. A step handles one message: it is over when the reader or
 * the iteration that took the message asks for the next item, or when the listeners have returned and the promises that they
 * returned have settled.
 */
export class OpenSteps {
  #count = 0;
  readonly #onSettled: () => void;

  /** @param onSettled called when the promise of a listener has settled and no step is in progress */
  constructor(onSettled: () => void) {
    this.#onSettled = onSettled;
  }

  /** Steps in progress: while there are some, the program deals with the peer of this connection. */
  get count(): number {
    return this.#count;
  }

  /** Notes that the next message has left the inbox, before any step for it begins. */
  handOut(): void {}

  /** Notes that the next message, which is being received, goes to listeners. Returns whether to call `delivered` after them. */
  deliver(): boolean {
    return false;
  }

  /** Notes that the listeners of that message have returned. */
  delivered(): void {}

  /**
   * Begins a step for the message that was handed out last; `end` or `settle` ends it.
   * @param _isTaken whether the application has the message for good already, as the caller of a read has
   * @returns what to pass to `end` or `settle`
   */
  begin(_isTaken = false): number {
    this.#count++;
    return 0;
  }

  end(_step: number): void {
    this.#count--;
  }

  /** Ends a step whose listener returned a promise, because that has settled. */
  settle(_step: number): void {
    this.#count--;
    if (this.#count === 0) this.#onSettled();
  }
}
