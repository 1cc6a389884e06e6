import type { Side } from "../link/call-peer.js";

/** Ids of cancelled calls whose answers are awaited; above it the oldest is forgotten, because a peer may never answer. */
const MAX_UNANSWERED = 65_536;

/**
 * The ids of this side's calls: odd on the side that dialled, even on the other, so that both can use the same number at once. An
 * id is free again only after the final frame of its call.
 */
export class CallIds {
  #next: number;
  readonly #unanswered = new Set<number>();

  constructor(side: Side) {
    this.#next = side === "client" ? 1 : 2;
  }

  /** Returns the next free id. @param calls in progress, by id */
  take(calls: ReadonlyMap<number, unknown>): number {
    for (;;) {
      const id = this.#next;
      // 2^32 is even: an odd id stays odd, and an even one wraps around to 0.
      this.#next = (id + 2) % 0x1_0000_0000;
      if (!calls.has(id) && !this.#unanswered.has(id)) return id;
    }
  }

  /** Keeps the id of a cancelled call until its answer. */
  hold(id: number): void {
    this.#unanswered.add(id);
    if (this.#unanswered.size <= MAX_UNANSWERED) return;
    for (const oldest of this.#unanswered) {
      this.#unanswered.delete(oldest);
      return;
    }
  }

  /** Frees the id of a cancelled call, which was answered. */
  release(id: number): void {
    this.#unanswered.delete(id);
  }

  /** Forgets what an earlier connection can no longer answer. */
  forget(): void {
    this.#unanswered.clear();
  }
}

/** Whether the other side of `side` may use an id for its calls. */
export function isIdOfOther(side: Side, id: number): boolean {
  return (id % 2 === 1) === (side === "server");
}
