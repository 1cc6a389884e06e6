import type { IpcError } from "../errors.js";
import type { OpenSteps } from "../open-steps.js";

/**
 * How a source ended. Items that are left can still be read. Then reads reject, and so does an iteration, except after `done`.
 * After `destroyed`, by the user, listeners and the holder of a lock get no more items.
 */
export type EndKind = "done" | "destroyed" | "failed";

export interface SourceEnd {
  readonly kind: EndKind;
  /** Creates an error for each wait, so that its stack names the caller. */
  readonly error: () => IpcError;
}

/** The consumer, as its source calls it: an object, because calls of closures cost more for each message. */
export interface SourceConsumer<D> {
  /** `take` may return an item again, there is something to announce, or the source has ended. */
  ready(): void;
  /** Delivers data that nothing precedes to listeners at once, or returns false. */
  offer(data: D): boolean;
}

/**
 * Supplies items, and data among them, in order to one consumer. A consumer can be locked by a source that merges several:
 *
 * ```
 *  connection ─ push ─▶ Inbox ◀─ take ─ Consumer ─▶ reads, iteration, listeners
 *                                          ▲
 *                                    lock, take ─ MergedStream ◀─ take ─ Consumer ─▶ iteration, listeners
 *                                                                           ▲
 *                                                                     lock ─ poll
 * ```
 */
export interface MessageSource<T, D extends T = T> {
  /** Assigned by the consumer. */
  consumer: SourceConsumer<D> | undefined;
  /** Removes and returns the next item that is available now. */
  take(): T | undefined;
  /** Like `take`, but drops items until it finds data. */
  takeData(): D | undefined;
  /** Returns the steps that handle messages of the same connection; undefined for a status. */
  stepsOf(item: T): OpenSteps | undefined;
  /** Undefined until no item can be added any more. */
  readonly end: SourceEnd | undefined;
  /** Whether there is something to announce, possibly behind items. */
  readonly hasAnnouncements: boolean;
  /**
   * Reports what no item precedes any more. Only called while there are announcements, and never between the take of an item and
   * the return of its last listener. `isHeld`: items have a consumer.
   */
  announce(isHeld: boolean): void;
}
