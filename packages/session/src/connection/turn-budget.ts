import { nextMacrotask } from "../scheduling/write-yield.js";

/** What one connection sends of its backlog in a turn of the event loop: bytes of data, plus 160 for each message. */
export const TURN_BYTES = 262_144;

/**
 * Bounds how much of its backlog a connection sends in one turn of the event loop: writes that wait, and messages that are sent
 * again. The kernel may take every batch within the turn, and one acknowledgement may make room for megabytes.
 */
export class TurnBudget {
  readonly #goOn: () => void;
  #leftBytes = TURN_BYTES;
  #isRenewing = false;

  /** @param goOn called in the next turn if the budget of this one was spent */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  /** Whether this turn is over for the backlog; `goOn` follows. */
  get isSpent(): boolean {
    return this.#leftBytes <= 0;
  }

  /** Counts a message. @param bytes of its data, plus 160 */
  spend(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    void nextMacrotask().then(this.#renew);
  }

  readonly #renew = (): void => {
    const { isSpent } = this;
    this.#leftBytes = TURN_BYTES;
    this.#isRenewing = false;
    if (isSpent) this.#goOn();
  };
}
