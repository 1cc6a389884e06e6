import type { DataMessage } from "../message.js";
import type { Status } from "../status.js";

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
