import { setImmediate } from "node:timers";

/** Holders that are woken in one turn of the event loop: each may go on with up to 256 KiB that wait. */
const WAKES_PER_TURN = 8;

/** Waits until others have freed bytes of a budget. */
export interface BudgetWaiter {
  onRoom(): void;
}

/**
 * Counts the bytes that many connections hold together. Each may hold as many as are still free for all.
 *
 * So one stalled connection is limited to half of `limit`, and k stalled ones to `limit / (k + 1)` each. Together they never
 * use up the limit: a connection that holds little always has room. One that holds more than its share waits until it has released
 * bytes itself, or until others have: a stalled one releases none, however much is free by then.
 *
 * @see Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches"
 */
export class SharedBudget {
  readonly limit: number;
  #used = 0;
  /** The longest waiting first. */
  readonly #waiters = new Set<BudgetWaiter>();
  /** Waiters that have not been woken since bytes were freed. */
  #due = 0;
  #isWaking = false;

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

  /** Holders that wait for bytes that others hold. */
  get waiting(): number {
    return this.#waiters.size;
  }

  add(bytes: number): void {
    this.#used += bytes;
  }

  remove(bytes: number): void {
    this.#used -= bytes;
    if (bytes > 0 && this.#waiters.size > 0) this.#wakeAll();
  }

  /**
   * Calls `onRoom` of `waiter` once, in a turn of the event loop after bytes were freed. The share may still be too small for it; then it waits
   * again, behind the others. The same object waits once at a time.
   */
  wait(waiter: BudgetWaiter): void {
    this.#waiters.add(waiter);
  }

  /** Ends a wait. */
  leave(waiter: BudgetWaiter): void {
    this.#waiters.delete(waiter);
  }

  #wakeAll(): void {
    this.#due = this.#waiters.size;
    if (this.#isWaking) return;
    this.#isWaking = true;
    setImmediate(this.#wakeSome);
  }

  readonly #wakeSome = (): void => {
    let left = Math.min(this.#due, WAKES_PER_TURN);
    this.#due -= left;
    try {
      for (const waiter of this.#waiters) {
        if (left === 0) break;
        left--;
        this.#waiters.delete(waiter);
        waiter.onRoom();
      }
    } finally {
      // Waiters behind one that throws are woken in the next turn. Some may have left meanwhile.
      this.#due = Math.min(this.#due + left, this.#waiters.size);
      this.#isWaking = this.#due > 0;
      if (this.#isWaking) setImmediate(this.#wakeSome);
    }
  };
}

/** The bytes of one holder, which tells how many they are now. */
export class BudgetHolder {
  readonly #budget: SharedBudget;
  readonly #waiter: BudgetWaiter;
  #bytes = 0;

  /** @param waiter called after `waitIfFull`, when others have freed bytes */
  constructor(budget: SharedBudget, waiter: BudgetWaiter) {
    this.#budget = budget;
    this.#waiter = waiter;
  }

  /** Whether the share is used up. @param bytes that are held */
  isFull(bytes: number): boolean {
    return bytes > 0 && bytes >= this.#budget.share;
  }

  set(bytes: number): void {
    const freed = this.#bytes - bytes;
    this.#bytes = bytes;
    this.#budget.remove(freed);
  }

  waitIfFull(bytes: number): void {
    if (this.isFull(bytes)) this.#budget.wait(this.#waiter);
  }

  /** Holds nothing more, and waits for nothing. */
  end(): void {
    this.set(0);
    this.#budget.leave(this.#waiter);
  }
}

/** Budgets that a peer shares with other peers: unread bytes and queued bytes. */
export interface PeerBudgets {
  readonly unread: SharedBudget;
  readonly queued: SharedBudget;
}
