import { INITIAL_CREDIT_BYTES, ITEM_MIN_COST_BYTES } from "../limits.js";

/** Returns the credit that an item costs. @param bytes its length on the wire */
export function itemCost(bytes: number): number {
  return Math.max(ITEM_MIN_COST_BYTES, bytes);
}

/** The credit of the sender of a stream: it may send an item while the credit is above zero, so one item may overdraw it. */
export class SendCredit {
  #bytes = INITIAL_CREDIT_BYTES;
  #isEnded = false;
  #wake: (() => void) | undefined;

  get bytes(): number {
    return this.#bytes;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  grant(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > 0) this.#wakeUp();
  }

  spend(bytes: number): void {
    this.#bytes -= itemCost(bytes);
  }

  /** Ends the stream: `wait` resolves with false. */
  end(): void {
    this.#isEnded = true;
    this.#wakeUp();
  }

  /** Resolves with true when an item may be sent, with false when the stream has ended. One wait at a time. */
  async wait(): Promise<boolean> {
    while (!this.#isEnded && this.#bytes <= 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return !this.#isEnded;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
