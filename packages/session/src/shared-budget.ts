/**
 * Bytes that many connections hold together, and what each of them may hold just now: as much as is still left for all.
 *
 * One that stands still is held to half of `limit`, k that fill it together to `limit / (k + 1)` each. So they never use it
 * up, and whoever holds little always has room, without anybody being woken when somebody else lets go.
 *
 * @see Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches"
 */
export class SharedBudget {
  readonly limit: number;
  #used = 0;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes held by all together. */
  get used(): number {
    return this.#used;
  }

  /** Bytes that one of them may hold, 0 … `limit`. Who holds nothing may always take one message, whatever its size. */
  get share(): number {
    return Math.max(0, this.limit - this.#used);
  }

  add(bytes: number): void {
    this.#used += bytes;
  }

  remove(bytes: number): void {
    this.#used -= bytes;
  }
}

/** What a peer shares with others: bytes unread and bytes queued. */
export interface PeerBudgets {
  readonly unread: SharedBudget;
  readonly queued: SharedBudget;
}
