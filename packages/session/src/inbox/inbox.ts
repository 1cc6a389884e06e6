import type { IpcError } from "../errors.js";
import { type DataMessage, type MessageOrigin, ReceivedMessage, type Status, type StatusMessage } from "../message.js";
import type { OpenSteps } from "../open-steps.js";
import type { SharedBudget } from "../shared-budget.js";
import type { Consumer } from "./consumer.js";
import { MessageQueue, StatusEntry } from "./message-queue.js";
import type { EndKind, MessageSource, SourceConsumer, SourceEnd } from "./message-source.js";

/** The consumer of one peer's messages and statuses. */
export type InboxConsumer = Consumer<DataMessage | StatusMessage, DataMessage>;

/** Callbacks from an inbox to its peer. */
export interface InboxEvents {
  /** `origin`: the connection that a Connected reports. */
  onStatus(status: Status, origin: MessageOrigin | undefined): void;
  /** Whether a Connected waits before it is reported, as long as nothing follows it. @default never */
  holdsConnected?(): boolean;
  /** The budget is used up. */
  onFull(): void;
  /** The budget has room again. Called in a microtask, so never from within a call of the inbox. */
  onRoom(): void;
  /** Called once at the end, after all messages were taken; at once if there is no consumer or the peer was destroyed. */
  onEnded(): void;
}

/** Holds received, unread messages and statuses in order, within a budget of bytes. */
export class Inbox implements MessageSource<DataMessage | StatusMessage, DataMessage> {
  consumer: SourceConsumer<DataMessage> | undefined;
  readonly #maxUnreadBytes: number;
  readonly #events: InboxEvents;
  readonly #unread: MessageQueue;
  #input: "flowing" | "full" | "resuming" = "flowing";
  #end: SourceEnd | undefined;
  #isEndReported = false;

  /** @param budget shared with other inboxes */
  constructor(maxUnreadBytes: number, events: InboxEvents, budget?: SharedBudget) {
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#events = events;
    this.#unread = new MessageQueue(budget);
  }

  /** Bytes of data, plus 160 for each message. */
  get unreadBytes(): number {
    return this.#unread.bytes;
  }

  /** Messages that were unread at some time, since the start. */
  get queuedMessages(): number {
    return this.#unread.addedMessages;
  }

  /** Those of them that were taken. */
  get takenMessages(): number {
    return this.#unread.shiftedMessages;
  }

  /** Whether neither messages nor statuses are unread. */
  get isEmpty(): boolean {
    return this.#unread.length === 0;
  }

  get isFull(): boolean {
    return this.#input !== "flowing";
  }

  get end(): SourceEnd | undefined {
    return this.#end;
  }

  /** Whether the inbox has ended and has nothing left for listeners and locks. */
  get isOver(): boolean {
    return this.#end !== undefined && (this.#unread.length === 0 || this.#end.kind === "destroyed");
  }

  push(message: ReceivedMessage): void {
    // A message behind another is news to no consumer: one that could take it would have taken the first.
    const isFirst = this.#unread.length === 0;
    // A status that was held is reported first.
    if (isFirst && !this.#unread.hasOverdue && this.consumer?.offer(message) === true) return;
    this.#unread.add(message);
    if (isFirst) this.consumer?.ready();
    // A message that was taken at once needs no pause, even if it is larger than the budget.
    const { bytes } = this.#unread;
    if (bytes === 0 || bytes < this.#allowedBytes || this.#input !== "flowing") return;
    this.#input = "full";
    this.#events.onFull();
    this.#awaitBudget();
  }

  pushStatus(status: Status, origin?: MessageOrigin): void {
    this.#unread.addStatus(new StatusEntry(status, origin));
    this.consumer?.ready();
  }

  /** Ends the inbox: unread messages can still be taken, then every wait settles. */
  finish(kind: EndKind, error: () => IpcError): void {
    if (this.#end !== undefined) return;
    this.#end = { kind, error };
    this.#unread.leaveWait(this);
    this.consumer?.ready();
  }

  #resume(): void {
    this.#input = "flowing";
    this.#events.onRoom();
  }

  take(): DataMessage | StatusMessage | undefined {
    const entry = this.#unread.shift();
    if (entry?.kind === "data") ReceivedMessage.stepsOf(entry).handOut();
    if (this.#input === "full") this.onRoom();
    return entry;
  }

  /** Messages were taken here, or from the inboxes of other peers. */
  onRoom(): void {
    if (this.#input !== "full") return;
    if (!this.#hasRoom()) {
      this.#awaitBudget();
      return;
    }
    this.#input = "resuming";
    queueMicrotask(() => this.#resume());
  }

  /** The consumer of this inbox may take nothing when other inboxes free the bytes that this one needs. */
  #awaitBudget(): void {
    if (this.#end === undefined && this.#unread.bytes < this.#maxUnreadBytes / 2) this.#unread.waitForBudget(this);
  }

  takeData(): DataMessage | undefined {
    for (;;) {
      const entry = this.take();
      if (entry?.kind !== "status") return entry;
    }
  }

  stepsOf(item: DataMessage | StatusMessage): OpenSteps | undefined {
    return item.kind === "data" ? ReceivedMessage.stepsOf(item) : undefined;
  }

  get hasAnnouncements(): boolean {
    return !this.#isEndReported && (this.#end !== undefined || this.#unread.hasUnannounced);
  }

  /** Reports the statuses and the end that no unread message precedes. */
  announce(isHeld: boolean): void {
    const holdsConnected = (): boolean => this.#end === undefined && this.#events.holdsConnected?.() === true;
    const next = (): StatusEntry | undefined => this.#unread.announce(holdsConnected());
    for (let entry = next(); entry !== undefined; entry = next()) this.#report(entry);
    // An iteration, a listener or a lock gets all messages first. A caller of `read` may not return: do not wait.
    const isAwaited = isHeld && this.#end?.kind !== "destroyed";
    if (this.#end === undefined || (isAwaited && this.#unread.bytes > 0)) return;
    this.#isEndReported = true;
    for (const entry of this.#unread.announceAll()) this.#report(entry);
    this.#events.onEnded();
  }

  #report(entry: StatusEntry): void {
    this.#events.onStatus(entry.status, StatusEntry.originOf(entry));
  }

  /** Copies the unread messages that keep more memory of `buffer` alive than they fill. */
  compact(buffer: ArrayBufferLike): void {
    this.#unread.compact(buffer);
  }

  /** Leaves the shared budget: from now on, unread messages count only against the inbox's own limit. */
  leaveBudget(): void {
    this.#unread.leaveBudget();
  }

  get #allowedBytes(): number {
    return Math.min(this.#maxUnreadBytes, this.#unread.share);
  }

  #hasRoom(): boolean {
    const { bytes } = this.#unread;
    return bytes === 0 || bytes < this.#allowedBytes / 2;
  }
}
