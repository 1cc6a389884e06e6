import { setImmediate } from "node:timers";
import type { DataMessage, Logger, StatusMessage } from "@ipc/session";
import {
  type Consumer,
  type Inbox,
  type InboxConsumer,
  type MessageSource,
  type OpenSteps,
  ReceivedMessage,
  type SourceConsumer,
  type SourceEnd,
} from "@ipc/session/internal";
import type { ManagedConnection, ServerConnection } from "./server-connection.js";

/** A message, and the connection that received it, which may have ended since. */
export interface Delivery {
  readonly connection: ServerConnection;
  readonly message: DataMessage;
}

/** A connection in the manager's stream: it may have disconnected already, and still have unread messages. */
export class StreamMember implements SourceConsumer<DataMessage> {
  readonly #stream: MergedStream;
  readonly managed: ManagedConnection;
  readonly connection: ServerConnection;
  readonly inbox: Inbox;
  readonly consumer: InboxConsumer;
  /** Unread bytes at the moment it disconnected. */
  unreadAtEndBytes = 0;
  /** A `connection` listener reads it individually, even if no such read is pending at the moment. */
  isReadIndividually: boolean;

  constructor(managed: ManagedConnection, stream: MergedStream) {
    this.#stream = stream;
    this.managed = managed;
    this.connection = managed.connection;
    this.inbox = managed.inbox;
    this.consumer = managed.consumer;
    this.isReadIndividually = this.consumer.hasBeenRead;
  }

  /** Whether it has nothing unread, or is read individually, even after it disconnected. */
  get isFinished(): boolean {
    return this.inbox.isOver || (this.consumer.hasBeenRead && !this.consumer.isLocked);
  }

  /** Locks the consumer, unless the connection is read individually. */
  tryLock(): boolean {
    if (this.isReadIndividually || this.consumer.holder !== undefined) return false;
    this.consumer.lock("read", "a reader of all connections", this);
    return true;
  }

  ready(): void {
    this.#stream.onReady(this);
  }

  offer(message: DataMessage): boolean {
    const { consumer } = this.#stream;
    if (consumer?.canDeliver !== true) return false;
    consumer.deliver({ connection: this.connection, message });
    return true;
  }
}

interface MemberItem {
  readonly member: StreamMember;
  readonly message: DataMessage | StatusMessage;
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
 * The unread messages of all connections that are not read individually, in round-robin order: one message of each per round, so
 * that a connection that floods delays another by at most one message.
 *
 * A disconnected connection stays until its messages have been read; one that is read individually leaves at once, and its
 * messages stay with its own reader.
 */
export class MergedStream implements MessageSource<Delivery> {
  consumer: Consumer<Delivery> | undefined;
  readonly hasAnnouncements = false;
  readonly #options: MergedStreamOptions;
  readonly #members = new Map<ManagedConnection, StreamMember>();
  /** The members that have disconnected, oldest first. */
  readonly #disconnected = new Set<StreamMember>();
  /** The locked members that may have something to take, in the order in which they are served. */
  readonly #ready = new Set<StreamMember>();
  /** While a poll reads the stream: its set of the members that it has not served. */
  #awaited: Set<StreamMember> | undefined;
  /** While the stream is open: whether it locks a connection that joins. */
  #locksNew: (() => boolean) | undefined;
  #hasBeenRead = false;
  /** Whether a poll was the last to open the stream: the caller may poll again, or not. */
  #isPolled = false;
  #end: SourceEnd | undefined;

  constructor(options: MergedStreamOptions) {
    this.#options = options;
  }

  /** Undefined until the manager ends. */
  get end(): SourceEnd | undefined {
    return this.#end;
  }

  /** Whether something reads this stream, or is likely to. */
  get isConsumed(): boolean {
    return this.#locksNew !== undefined || this.#isPolled;
  }

  /** Unread bytes of the disconnected connections. */
  get disconnectedBytes(): number {
    let bytes = 0;
    for (const { inbox } of this.#disconnected) bytes += inbox.unreadBytes;
    return bytes;
  }

  /** Adds a connection. A `connection` listener that reads it individually has started already. */
  join(managed: ManagedConnection): void {
    const member = new StreamMember(managed, this);
    this.#members.set(managed, member);
    // In the next turn of the event loop: a caller that stops reading in one way may continue in another.
    member.consumer.onReleased = () => setImmediate(() => this.#takeBack(member));
    this.#admit(member);
  }

  /** Handles the end of a connection, which its inbox knows already. */
  leave(managed: ManagedConnection): void {
    const member = this.#members.get(managed);
    if (member === undefined) return;
    if (member.isFinished) this.#forget(member);
    else {
      member.unreadAtEndBytes = member.inbox.unreadBytes;
      this.#disconnected.add(member);
      this.#makeRoom();
    }
    // A poll may have waited for this connection only.
    this.consumer?.ready();
  }

  /** Notes that a locked connection may have something to take. */
  onReady(member: StreamMember): void {
    this.#ready.add(member);
    this.consumer?.ready();
  }

  /**
   * Locks every connection that is not read individually, and those that join while `locksNew` allows it.
   * @param awaited gets the locked connections and loses those that are removed
   */
  open(locksNew: () => boolean = () => true, awaited?: Set<StreamMember>): void {
    this.#locksNew = locksNew;
    this.#awaited = awaited;
    this.#hasBeenRead = true;
    this.#isPolled = awaited !== undefined;
    for (const member of this.#members.values()) this.#lock(member);
  }

  close(): void {
    this.#locksNew = undefined;
    this.#awaited = undefined;
    this.#ready.clear();
    for (const member of this.#members.values()) {
      member.consumer.unlock();
      if (member.inbox.isOver) this.#forget(member);
    }
  }

  take(): Delivery | undefined {
    return this.takeData();
  }

  takeData(): Delivery | undefined {
    if (this.#ready.size === 0) return undefined;
    for (const member of this.#ready) {
      const { connection, consumer, inbox } = member;
      // The next round comes after the other members; alone, a member keeps its place, because that is faster.
      const isAlone = this.#ready.size === 1;
      if (!isAlone) this.#ready.delete(member);
      const message = consumer.takeData();
      if (message !== undefined && inbox.unreadBytes > 0) {
        if (!isAlone && consumer.isLocked) this.#ready.add(member);
      } else {
        if (isAlone) this.#ready.delete(member);
        // Drop statuses that no message follows, so that a closed connection can be removed.
        if (!inbox.isEmpty) consumer.takeData();
        if (inbox.isOver) this.#forget(member);
      }
      if (message !== undefined) return { connection, message };
    }
    return undefined;
  }

  announce(): void {}

  stepsOf({ message }: Delivery): OpenSteps {
    return ReceivedMessage.stepsOf(message);
  }

  /** Takes the next message or status of one of `members`. Other ready members are not ready any more until the next `open`. */
  takeOf(members: ReadonlySet<StreamMember>): MemberItem | undefined {
    for (const member of this.#ready) {
      this.#ready.delete(member);
      if (!members.has(member)) continue;
      const message = member.consumer.take();
      if (message !== undefined) return { member, message };
      if (member.inbox.isOver) this.#forget(member);
    }
    return undefined;
  }

  /** Ends the stream: no connection joins any more. */
  finish(end: SourceEnd): void {
    this.#end = end;
    this.consumer?.ready();
  }

  #lock(member: StreamMember): void {
    if (!member.tryLock()) return;
    this.#ready.add(member);
    this.#awaited?.add(member);
  }

  #admit(member: StreamMember): void {
    if (this.#locksNew?.() !== true) return;
    this.#lock(member);
    this.consumer?.ready();
  }

  /** Takes back a connection that is no longer read individually. */
  #takeBack(member: StreamMember): void {
    if (this.#members.get(member.managed) !== member) return;
    member.isReadIndividually = false;
    this.#admit(member);
  }

  #forget(member: StreamMember): void {
    if (!this.#members.delete(member.managed)) return;
    this.#disconnected.delete(member);
    this.#ready.delete(member);
    this.#awaited?.delete(member);
    member.consumer.onReleased = undefined;
    member.consumer.unlock();
    member.inbox.leaveBudget();
  }

  /** Drops the oldest unread messages of disconnected clients: they must not fill the memory or keep other clients out. */
  #makeRoom(): void {
    if (!this.#isCrowded()) return;
    for (const member of this.#disconnected) if (member.isFinished) this.#forget(member);
    const { name, logger } = this.#options;
    for (const member of this.#disconnected) {
      if (!this.#isCrowded()) return;
      this.#forget(member);
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
