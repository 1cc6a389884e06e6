import { nextMacrotask } from "../scheduling/write-yield.js";

/** The part of its backlog that one connection sends in a turn of the event loop: bytes of data, plus 160 for each message. */
export const TURN_BYTES = 262_144;

/** The sender of a backlog. */
export interface BacklogSender {
  /** Called in the next turn if the budget of this one was spent. */
  onRoom(): void;
}

/**
 * Bounds how much of its backlog a connection sends in one turn of the event loop: writes that wait, and messages that are sent
 * again. The kernel may take every batch within the turn, and one acknowledgement may make room for megabytes.
 */
export class TurnBudget {
  readonly #sender: BacklogSender;
  #leftBytes = TURN_BYTES;
  #isRenewing = false;

  constructor(sender: BacklogSender) {
    this.#sender = sender;
  }

  /** Whether this turn is over for the backlog; `onRoom` follows. */
  get isSpent(): boolean {
    return this.#leftBytes <= 0;
  }

  /** Counts a message. @param bytes of its data, plus 160 */
  spend(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    void nextMacrotask().then(() => this.#renew());
  }

  #renew(): void {
    const { isSpent } = this;
    this.#leftBytes = TURN_BYTES;
    this.#isRenewing = false;
    if (isSpent) this.#sender.onRoom();
  }
}
