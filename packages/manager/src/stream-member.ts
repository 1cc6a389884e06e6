import type { DataMessage } from "@ipc/session";
import type { LockableInbox } from "@ipc/session/internal";
import { ServerConnection } from "./server-connection.js";

/** A message, and the connection by which it came. That one may have ended since. */
export interface Delivery {
  readonly connection: ServerConnection;
  readonly message: DataMessage;
}

/** A connection as the manager's stream sees it: it may have gone already, and still have something unread. */
export class StreamMember {
  readonly connection: ServerConnection;
  readonly inbox: LockableInbox;
  /** What it held unread when it went. */
  unreadAtEndBytes = 0;
  /** Whoever was told of it first reads it singly, also where nothing of that is pending just now. */
  isReadIndividually = false;
  #isAcquired = false;
  readonly #ready: () => void;

  constructor(connection: ServerConnection, ready: (member: StreamMember) => void) {
    this.connection = connection;
    this.inbox = ServerConnection.inboxOf(connection);
    this.#ready = () => ready(this);
  }

  get isAcquired(): boolean {
    return this.#isAcquired;
  }

  /** Nothing comes of it while somebody else reads it. */
  acquire(): void {
    if (this.#isAcquired || this.isReadIndividually) return;
    // Before, for it may be ready at once, and be given back by that.
    this.#isAcquired = true;
    if (!this.inbox.acquireReader(this.#ready)) this.#isAcquired = false;
  }

  /** Calls nobody: what the loan held up, the inbox's `dispatch` does. */
  release(): void {
    if (!this.#isAcquired) return;
    this.#isAcquired = false;
    this.inbox.releaseReader();
  }

  /** The next message, statuses passed over. */
  takeData(): DataMessage | undefined {
    for (;;) {
      const received = this.inbox.take();
      if (received?.kind !== "status") return received;
    }
  }
}
