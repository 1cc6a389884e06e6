import type { DataMessage, IpcError, LendableInbox } from "@ipc/session";
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
  /** Why it was lost, where it was. */
  error: IpcError | undefined;
  /** What it held unread when it went. */
  leftBytes = 0;
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

  /** False while somebody else reads it. */
  lend(): boolean {
    // Before, for it may be ready at once.
    this.#isLent = true;
    this.#isLent = this.inbox.lend(this.#ready);
    return this.#isLent;
  }

  unlend(): void {
    if (!this.#isLent) return;
    this.#isLent = false;
    this.inbox.unlend();
  }

  /** The next message, statuses passed over. */
  takeData(): DataMessage | undefined {
    for (;;) {
      const received = this.inbox.take();
      if (received?.kind !== "status") return received;
    }
  }
}
