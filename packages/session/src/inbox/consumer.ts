import type { DataMessage, Status, StatusMessage } from "../message.js";

/** The consumers of an inbox, as error messages name them. */
export const CONSUMERS = {
  read: "a pending read",
  iteration: "the iteration",
  listener: "the listener",
  "merged stream": "a reader of all connections",
} as const;

/** Callbacks from an inbox to its peer. */
export interface InboxEvents {
  readonly message: (message: DataMessage) => void;
  readonly status: (status: Status) => void;
  /** `full`: the budget is used up. `room`: it has room again. */
  readonly full: () => void;
  readonly room: () => void;
  /** Called once at the end, after all messages were delivered; at once if there is no consumer or the peer was destroyed. */
  readonly ended: () => void;
}

/**
 * How an inbox ended. Pending reads reject, as does an iteration, except after `done`. After `done` and `failed`, a consumer
 * gets the unread messages before `ended`. After `destroyed`, by the user, listeners and the lock holder get no more messages.
 */
export type EndKind = "done" | "destroyed" | "failed";

/** An inbox whose messages a reader of many inboxes can take while it holds the reader lock. */
export interface LockableInbox {
  /** Bytes of data, plus 160 for each message. */
  readonly unreadBytes: number;
  /** Calls `ready` when `take` may have something, and at the end. Returns false while the inbox has another consumer. */
  acquireReader(ready: () => void): boolean;
  /** Releases the reader lock without calling any listener; `dispatch` does that. Unread messages stay for the next reader. */
  releaseReader(): void;
  /** Notifies listeners of the statuses and of the end that no unread message or reader lock holds up any more. */
  dispatch(): void;
  /** Called when an iteration ends or the last message listener is removed. */
  released: (() => void) | undefined;
  /** Returns the next message or status unless a pause holds it back. Call it only while holding the reader lock. */
  take(): DataMessage | StatusMessage | undefined;
  /** Whether the inbox has ended and has nothing left to take. */
  readonly isOver: boolean;
  /** Whether a read, iteration or listener has used it since the reader lock was last acquired. */
  readonly hasBeenRead: boolean;
  /** Leaves the shared budget: from now on, unread messages count only against the inbox's own limit. */
  leaveBudget(): void;
}
