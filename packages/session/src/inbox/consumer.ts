import type { DataMessage, Status, StatusMessage } from "../message.js";

/** Who can hold an inbox, for messages. */
export const CONSUMERS = {
  read: "a pending read",
  iteration: "the iteration",
  listener: "the listener",
  "merged stream": "a reader of all connections",
} as const;

/** What an inbox tells its peer. */
export interface InboxEvents {
  readonly message: (message: DataMessage) => void;
  readonly status: (status: Status) => void;
  /** The budget is used up, or there is room again. */
  readonly full: () => void;
  readonly room: () => void;
  /** Everything before the end has been delivered, or nobody is there to take it. */
  readonly ended: () => void;
}

/**
 * How it ended. `done`: as it should, an iteration just ends. `destroyed`: at the user's wish, waits reject.
 * `failed`: waits reject, and whoever was reading gets what is unread before the listeners are told.
 */
export type EndKind = "done" | "destroyed" | "failed";

/** An inbox as somebody sees it who reads over many of them, one message here and one there. */
export interface LockableInbox {
  /** Bytes of data, and 160 for each message. */
  readonly unreadBytes: number;
  /** `ready` is called whenever there may be something to take, and at the end. False while somebody reads it already. */
  acquireReader(ready: () => void): boolean;
  /** Ends the loan, and calls nobody: what it held up, `dispatch` does. What is unread stays for whoever reads next. */
  releaseReader(): void;
  /** Does what nobody holds up any more: tells listeners of statuses, and of the end. */
  dispatch(): void;
  /** Called whenever an iteration or the listeners that read it let go. */
  released: (() => void) | undefined;
  /** The next message or status that is there and not held back by a pause. Only while it is lent. */
  take(): DataMessage | StatusMessage | undefined;
  /** Whether nothing comes any more and nothing is unread. */
  readonly isOver: boolean;
  /** Whether anybody reads it other than by lending, or has since it was last lent. */
  readonly hasBeenRead: boolean;
  /** Leaves the budget that it shares: what is unread counts for itself alone from now on. */
  leaveBudget(): void;
}
