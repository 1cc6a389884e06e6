import type { DataMessage, LendableInbox } from "@ipc/session";
import { ServerConnection } from "./server-connection.js";

/** A message, and the connection by which it came. That one may have ended since. */
export interface Delivery {
  readonly connection: ServerConnection;
  readonly message: DataMessage;
}

/** A connection as the manager's stream sees it: it may have gone already, and still have something unread. */
export class Member {
  readonly connection: ServerConnection;
  readonly inbox: LendableInbox;
  /** What it held unread when it went. */
  leftBytes = 0;
  /** Whoever was told of it first reads it singly, also where nothing of that is pending just now. */
  isApart = false;
  #isLent = false;
  readonly #ready: () => void;

  constructor(connection: ServerConnection, ready: (member: Member) => void) {
    this.connection = connection;
    this.inbox = ServerConnection.inboxOf(connection);
    this.#ready = () => ready(this);
  }

  get isLent(): boolean {
    return this.#isLent;
  }

  /** Nothing comes of it while somebody else reads it. */
  lend(): void {
    if (this.#isLent || this.isApart) return;
    // Before, for it may be ready at once, and be given back by that.
    this.#isLent = true;
    if (!this.inbox.lend(this.#ready)) this.#isLent = false;
  }

  /** Calls nobody: what the loan held up, the inbox's `moveOn` does. */
  endLoan(): void {
    if (!this.#isLent) return;
    this.#isLent = false;
    this.inbox.endLoan();
  }

  /** The next message, statuses passed over. */
  takeData(): DataMessage | undefined {
    for (;;) {
      const received = this.inbox.take();
      if (received?.kind !== "status") return received;
    }
  }
}
