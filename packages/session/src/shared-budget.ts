/**
 * Counts the bytes that many connections hold together. Each may hold as many as are still free for all.
 *
 * So one stalled connection is limited to half of `limit`, and k stalled ones to `limit / (k + 1)` each. Together they never
 * use up the limit: a connection that holds little always has room, and needs no notification when another one frees bytes.
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

  /** Bytes that all connections hold together. */
  get used(): number {
    return this.#used;
  }

  /** Bytes that each connection may hold, 0 … `limit`. One that holds none may still take one message of any size. */
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

/** Budgets that a peer shares with other peers: unread bytes and queued bytes. */
export interface PeerBudgets {
  readonly unread: SharedBudget;
  readonly queued: SharedBudget;
}
