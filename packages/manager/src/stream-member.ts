import type { Inbox, InboxConsumer } from "@ipc/session/internal";
import { ServerConnection } from "./server-connection.js";

/** A connection in the manager's stream: it may have disconnected already, and still have unread messages. */
export class StreamMember {
  readonly connection: ServerConnection;
  readonly inbox: Inbox;
  readonly consumer: InboxConsumer;
  /** Unread bytes at the moment it disconnected. */
  unreadAtEndBytes = 0;
  /** A `connection` listener reads it individually, even if no such read is pending at the moment. */
  isReadIndividually: boolean;
  #isLocked = false;

  constructor(connection: ServerConnection) {
    this.connection = connection;
    this.inbox = ServerConnection.inboxOf(connection);
    this.consumer = ServerConnection.consumerOf(connection);
    this.isReadIndividually = this.consumer.hasBeenRead;
  }

  get isLocked(): boolean {
    return this.#isLocked;
  }

  /** Whether it has nothing unread, or is read individually, even after it disconnected. */
  get isFinished(): boolean {
    return this.inbox.isOver || (this.consumer.hasBeenRead && !this.#isLocked);
  }

  /** Locks the connection's inbox, unless the connection is read individually. */
  tryLock(ready: () => void): boolean {
    if (this.isReadIndividually || this.consumer.holder !== undefined) return false;
    this.consumer.lock("read", "a reader of all connections", ready);
    this.#isLocked = true;
    return true;
  }

  /** Releases the lock and notifies no listener: the consumer's `announce` does that. */
  unlock(): void {
    if (!this.#isLocked) return;
    this.#isLocked = false;
    this.consumer.unlock();
  }
}
