import type { DataMessage, IpcError, Logger } from "@ipc/session";
import type { LockableInbox } from "@ipc/session/internal";
import { consumerTakenError } from "@ipc/session/internal";
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

/** Whoever reads from all connections at once: one at a time. */
export interface StreamReader {
  /** For messages: what it is, and what others are told who come meanwhile. */
  readonly what: string;
  readonly holder: string;
  /** A connection that is lent has something to take, or has ended. */
  readonly ready: (member: StreamMember) => void;
  /** A connection that was lent is in the stream no more: it has gone, and what it left is read, or dropped. */
  readonly forgotten: (member: StreamMember) => void;
  /** Whether a connection that is new belongs to it, too. */
  readonly takesNew: () => boolean;
  /** The manager has ended: nothing new comes. */
  readonly ended: () => void;
}

/** How the manager ended: `error` makes one for each wait, undefined where an iteration just ends. */
export interface StreamEnd {
  readonly isFailure: boolean;
  readonly error: () => IpcError;
}

export interface MergedStreamOptions {
  readonly name: string;
  readonly logger: Logger;
  /** Connections that have gone and have something unread, at the most. */
  readonly maxDisconnected: number;
  /** What those may hold as long as nobody has ever read from this stream, in bytes. */
  readonly maxDisconnectedBytes: number;
}

/**
 * What all connections have unread that nobody reads singly. A connection that goes stays in it until what it left has been
 * read; a connection that somebody reads singly takes what it left with it.
 */
export class MergedStream {
  readonly #options: MergedStreamOptions;
  readonly #members = new Map<ServerConnection, StreamMember>();
  /** Of these, the ones that have gone, the first first. */
  readonly #disconnected = new Set<StreamMember>();
  #reader: StreamReader | undefined;
  #hasBeenRead = false;
  #end: StreamEnd | undefined;

  constructor(options: MergedStreamOptions) {
    this.#options = options;
  }

  /** Undefined while the manager is there. */
  get endedBy(): StreamEnd | undefined {
    return this.#end;
  }

  /** What those who have gone still have unread, in bytes. */
  get disconnectedBytes(): number {
    let bytes = 0;
    for (const { inbox } of this.#disconnected) bytes += inbox.unreadBytes;
    return bytes;
  }

  acquired(): StreamMember[] {
    return [...this.#members.values()].filter((member) => member.isAcquired);
  }

  /** Takes up a connection. Who wants to read it singly has begun already. */
  join(connection: ServerConnection): void {
    const member = new StreamMember(connection, (ready) => this.#reader?.ready(ready));
    this.#members.set(connection, member);
    member.isReadIndividually = member.inbox.hasBeenRead;
    // In the loop's next turn: who lets go may be about to read on by another way.
    member.inbox.released = () => setImmediate(() => this.#takeBack(member));
    if (this.#reader?.takesNew() === true) member.acquire();
  }

  /** A connection has ended; its inbox says so already. */
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
   * Lends every connection that nobody reads singly to a reader.
   * @throws SessionError IPC_CONSUMER_TAKEN
   */
  take(reader: StreamReader): void {
    if (this.#reader !== undefined) throw consumerTakenError(reader.what, this.#reader.holder);
    this.#reader = reader;
    this.#hasBeenRead = true;
    for (const member of this.#members.values()) {
      member.acquire();
      // What was there at once may have been all that it wanted.
      if (this.#reader !== reader) return;
    }
  }

  release(reader: StreamReader): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    const members = [...this.#members.values()];
    // All of them first: a listener that hears of what was held up may take the stream anew.
    for (const member of members) member.release();
    for (const member of members) {
      member.inbox.dispatch();
      if (member.inbox.isOver) this.forget(member);
    }
  }

  /** No connection comes any more. */
  end(end: StreamEnd): void {
    this.#end = end;
    this.#reader?.ended();
  }

  /** Nobody reads a connection singly any more. */
  #takeBack(member: StreamMember): void {
    if (this.#members.get(member.connection) !== member) return;
    member.isReadIndividually = false;
    if (this.#reader?.takesNew() === true) member.acquire();
  }

  /** Who leaves messages behind that nobody reads must not fill the memory, or keep the others from being heard. */
  #makeRoom(): void {
    if (!this.#isCrowded()) return;
    for (const member of this.#disconnected) if (isFinished(member)) this.forget(member);
    const { name, logger } = this.#options;
    for (const member of this.#disconnected) {
      if (!this.#isCrowded()) return;
      this.forget(member);
      if (member.unreadAtEndBytes === 0) continue;
      const { id } = member.connection;
      logger.warn(
        `server ${name}: client ${id} went and left ${member.unreadAtEndBytes} bytes that nobody read; dropped`,
      );
    }
  }

  #isCrowded(): boolean {
    const { maxDisconnected, maxDisconnectedBytes } = this.#options;
    return (
      this.#disconnected.size > maxDisconnected || (!this.#hasBeenRead && this.disconnectedBytes > maxDisconnectedBytes)
    );
  }
}

/** Whether a connection that has gone has nothing, or is read by somebody else, also after it went. */
function isFinished({ inbox, isAcquired }: StreamMember): boolean {
  return inbox.isOver || (inbox.hasBeenRead && !isAcquired);
}
