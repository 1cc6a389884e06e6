import type { DataMessage, IpcError, Logger } from "@ipc/session";
import type { LockableInbox } from "@ipc/session/internal";
import { consumerTakenError } from "@ipc/session/internal";
import { ServerConnection } from "./server-connection.js";

/** A message, and the connection that received it, which may have ended since. */
export interface Delivery {
  readonly connection: ServerConnection;
  readonly message: DataMessage;
}

/** A connection in the manager's stream: it may have disconnected already, and still have unread messages. */
export class StreamMember {
  readonly connection: ServerConnection;
  readonly inbox: LockableInbox;
  /** Unread bytes at the moment it disconnected. */
  unreadAtEndBytes = 0;
  /** A `connection` listener reads it individually, even if no such read is pending at the moment. */
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

  /** Takes the inbox's reader lock; does nothing while the connection is read individually. */
  acquire(): void {
    if (this.#isAcquired || this.isReadIndividually) return;
    // Set first: the inbox may call `#ready` at once, and its handler may release the lock.
    this.#isAcquired = true;
    if (!this.inbox.acquireReader(this.#ready)) this.#isAcquired = false;
  }

  /** Releases the reader lock and notifies no reader: the inbox's `dispatch` delivers what the lock held up. */
  release(): void {
    if (!this.#isAcquired) return;
    this.#isAcquired = false;
    this.inbox.releaseReader();
  }

  /** Returns the next data message and skips statuses. */
  takeData(): DataMessage | undefined {
    for (;;) {
      const received = this.inbox.take();
      if (received?.kind !== "status") return received;
    }
  }
}

/** A reader of all connections; there is at most one at a time. */
export interface StreamReader {
  /** For error messages: its operation, and its description in the errors of other readers. */
  readonly what: string;
  readonly holder: string;
  /** A connection with a held reader lock has something to take, or has ended. */
  readonly ready: (member: StreamMember) => void;
  /** A connection has left the stream: it has ended, and its unread messages were read or dropped. */
  readonly forgotten: (member: StreamMember) => void;
  /** Whether a connection that joins now belongs to this reader too. */
  readonly takesNew: () => boolean;
  /** The manager has ended: no connection joins any more. */
  readonly ended: () => void;
}

/** How the manager ended: `error` creates one for each wait; without `isFailure` an iteration ends normally instead. */
export interface StreamEnd {
  readonly isFailure: boolean;
  readonly error: () => IpcError;
}

export interface MergedStreamOptions {
  readonly name: string;
  readonly logger: Logger;
  /** Maximum number of disconnected connections with unread messages. */
  readonly maxDisconnected: number;
  /** Maximum bytes that those hold while this stream has never been read. */
  readonly maxDisconnectedBytes: number;
}

/**
 * The unread messages of all connections that are not read individually. A disconnected connection stays until its messages
 * have been read; one that is read individually leaves at once, and its messages stay with its own reader.
 */
export class MergedStream {
  readonly #options: MergedStreamOptions;
  readonly #members = new Map<ServerConnection, StreamMember>();
  /** The members that have disconnected, oldest first. */
  readonly #disconnected = new Set<StreamMember>();
  #reader: StreamReader | undefined;
  #hasBeenRead = false;
  #end: StreamEnd | undefined;

  constructor(options: MergedStreamOptions) {
    this.#options = options;
  }

  /** Undefined until the manager ends. */
  get endedBy(): StreamEnd | undefined {
    return this.#end;
  }

  /** Unread bytes of the disconnected connections. */
  get disconnectedBytes(): number {
    let bytes = 0;
    for (const { inbox } of this.#disconnected) bytes += inbox.unreadBytes;
    return bytes;
  }

  acquired(): StreamMember[] {
    return [...this.#members.values()].filter((member) => member.isAcquired);
  }

  /** Adds a connection. A `connection` listener that reads it individually has started already. */
  join(connection: ServerConnection): void {
    const member = new StreamMember(connection, (ready) => this.#reader?.ready(ready));
    this.#members.set(connection, member);
    member.isReadIndividually = member.inbox.hasBeenRead;
    // In the next turn of the event loop: a caller that stops reading in one way may continue in another.
    member.inbox.released = () => setImmediate(() => this.#takeBack(member));
    if (this.#reader?.takesNew() === true) member.acquire();
  }

  /** Handles the end of a connection, which its inbox knows already. */
  leave(connection: ServerConnection): void {
    const member = this.#members.get(connection);
    if (member === undefined) return;
    if (isFinished(member)) {
      this.forget(member);
      return;
    }
    member.unreadAtEndBytes = member.inbox.unreadBytes;
    this.#disconnected.add(member);
    this.#makeRoom();
  }

  forget(member: StreamMember): void {
    if (!this.#members.delete(member.connection)) return;
    this.#disconnected.delete(member);
    member.inbox.released = undefined;
    member.release();
    member.inbox.leaveBudget();
    this.#reader?.forgotten(member);
    member.inbox.dispatch();
  }

  /**
   * Takes the reader lock of every connection that is not read individually.
   * @throws SessionError IPC_CONSUMER_TAKEN
   */
  take(reader: StreamReader): void {
    if (this.#reader !== undefined) throw consumerTakenError(reader.what, this.#reader.holder);
    this.#reader = reader;
    this.#hasBeenRead = true;
    for (const member of this.#members.values()) {
      member.acquire();
      // Messages that were there already may have been enough for the reader, which then released the stream.
      if (this.#reader !== reader) return;
    }
  }

  release(reader: StreamReader): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    const members = [...this.#members.values()];
    // Release all before any dispatch: a listener that `dispatch` calls may take the stream again.
    for (const member of members) member.release();
    for (const member of members) {
      member.inbox.dispatch();
      if (member.inbox.isOver) this.forget(member);
    }
  }

  /** Ends the stream: no connection joins any more. */
  end(end: StreamEnd): void {
    this.#end = end;
    this.#reader?.ended();
  }

  /** Takes back a connection that is no longer read individually. */
  #takeBack(member: StreamMember): void {
    if (this.#members.get(member.connection) !== member) return;
    member.isReadIndividually = false;
    if (this.#reader?.takesNew() === true) member.acquire();
  }

  /** Drops the oldest unread messages of disconnected clients: they must not fill the memory or keep other clients out. */
  #makeRoom(): void {
    if (!this.#isCrowded()) return;
    for (const member of this.#disconnected) if (isFinished(member)) this.forget(member);
    const { name, logger } = this.#options;
    for (const member of this.#disconnected) {
      if (!this.#isCrowded()) return;
      this.forget(member);
      if (member.unreadAtEndBytes === 0) continue;
      const { id } = member.connection;
      logger.warn(`server ${name}: client ${id} disconnected; ${member.unreadAtEndBytes} unread bytes were dropped`);
    }
  }

  #isCrowded(): boolean {
    const { maxDisconnected, maxDisconnectedBytes } = this.#options;
    return (
      this.#disconnected.size > maxDisconnected || (!this.#hasBeenRead && this.disconnectedBytes > maxDisconnectedBytes)
    );
  }
}

/** Whether a disconnected connection has nothing unread, or is read individually, even after it disconnected. */
function isFinished({ inbox, isAcquired }: StreamMember): boolean {
  return inbox.isOver || (inbox.hasBeenRead && !isAcquired);
}
