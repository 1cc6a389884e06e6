import type { DataMessage, StatusMessage } from "../message.js";

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
