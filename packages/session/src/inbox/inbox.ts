import type { AbortOptions } from "@ipc/transport";
import { Deferred, handledRejection } from "../deferred.js";
import type { IpcError } from "../errors.js";
import { abortError, consumerTakenError } from "../errors.js";
import type { DataMessage, ReceivedMessage, Status, StatusMessage } from "../message.js";
import type { SharedBudget } from "../shared-budget.js";
import { iterate, type MessageIterator } from "./async-iterator.js";
import type { EndKind, InboxEvents, LockableInbox } from "./consumer.js";
import { CONSUMERS } from "./consumer.js";
import { MessageQueue, StatusEntry } from "./message-queue.js";

type Received = DataMessage | StatusMessage;

interface End {
  readonly kind: EndKind;
  /** Creates an error for each wait, so that its stack names the caller. */
  readonly error: () => IpcError;
  told: boolean;
}

/**
 * Holds received, unread messages and statuses in order, for one consumer at a time (reads, an iteration, listeners, or the
 * holder of the reader lock), within a budget of bytes.
 */
export class Inbox implements LockableInbox {
  readonly #maxUnreadBytes: number;
  readonly #events: InboxEvents;
  readonly #unread: MessageQueue;
  /** Pending reads. One resolves with undefined if its iteration was returned from. */
  readonly #reads = new Set<Deferred<Received | undefined>>();
  released: (() => void) | undefined;
  #full = false;
  #consumer: "none" | "iteration" | "listener" | "merged stream" = "none";
  #ready: (() => void) | undefined;
  #hasBeenRead = false;
  #paused = false;
  #flowing = false;
  #end: End | undefined;

  /** @param budget shared with other inboxes */
  constructor(maxUnreadBytes: number, events: InboxEvents, budget?: SharedBudget) {
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#events = events;
    this.#unread = new MessageQueue(budget);
  }

  get unreadBytes(): number {
    return this.#unread.bytes;
  }

  get full(): boolean {
    return this.#full;
  }

  push(message: ReceivedMessage): void {
    if (this.#unread.length === 0 && !this.#flowing) {
      if (this.#isListening()) {
        // A listener may call any method of this peer, so hold back reentrant deliveries until it returns.
        this.#flowing = true;
        this.#events.message(message);
        this.#flowing = false;
        if (this.#unread.length > 0 || this.#end !== undefined) this.dispatch();
        return;
      }
      if (this.#giveToRead(message)) return;
    }
    this.#unread.add(message);
    if (!this.#full && this.#unread.bytes >= this.#allowedBytes) {
      this.#full = true;
      this.#events.full();
    }
    this.#ready?.();
  }

  pushStatus(status: Status): void {
    this.#unread.addStatus(new StatusEntry(status));
    this.dispatch();
    this.#ready?.();
  }

  /** Copies the unread messages that keep more memory of `buffer` alive than they fill. */
  compact(buffer: ArrayBufferLike): void {
    this.#unread.compact(buffer);
  }

  /** Ends the inbox: unread messages can still be read, then every wait rejects. */
  end(kind: EndKind, error: () => IpcError): void {
    if (this.#end !== undefined) return;
    this.#end = { kind, error, told: false };
    this.dispatch();
    this.#ready?.();
  }

  read(what: string, wait: AbortOptions): Promise<Received> {
    return this.#read<Received>(what, wait);
  }

  readTimed<T>(ms: number, onTimeout: T, wait: AbortOptions): Promise<Received | T> {
    return this.#read<Received | T>("readTimed", wait, { ms, value: onTimeout });
  }

  /** Creates an iteration over the data messages. It holds the inbox until it is done or returned from. */
  iterate(): MessageIterator<DataMessage> {
    return iterate<DataMessage>({
      begin: () => this.#take("iteration"),
      tryNext: () => this.#tryShiftData(),
      next: () => this.#nextOrEnd(),
      end: () => this.#release(),
    });
  }

  acquireReader(ready: () => void): boolean {
    if (this.#consumer !== "none" || this.#reads.size > 0) return false;
    this.#consumer = "merged stream";
    this.#ready = ready;
    this.#hasBeenRead = false;
    if (this.#unread.length > 0 || this.#end !== undefined) ready();
    return true;
  }

  releaseReader(): void {
    this.#ready = undefined;
    if (this.#consumer === "merged stream") this.#consumer = "none";
  }

  take(): Received | undefined {
    return this.#paused || this.#end?.kind === "destroyed" ? undefined : this.#tryShift();
  }

  get isOver(): boolean {
    return this.#end !== undefined && (this.#unread.length === 0 || this.#end.kind === "destroyed");
  }

  get hasBeenRead(): boolean {
    return this.#hasBeenRead;
  }

  leaveBudget(): void {
    this.#unread.leaveBudget();
  }

  /** @throws SessionError IPC_CONSUMER_TAKEN */
  listen(): void {
    if (this.#consumer === "listener") return;
    this.#take("listener");
    // Like a Node stream, deliver in the next tick, so that listeners added in this one miss nothing.
    process.nextTick(() => this.dispatch());
  }

  unlisten(style: "iteration" | "listener" = "listener"): void {
    const letsGo = this.#consumer === style;
    if (letsGo) this.#consumer = "none";
    this.dispatch();
    if (letsGo) this.released?.();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    process.nextTick(() => {
      this.dispatch();
      this.#ready?.();
    });
  }

  get #allowedBytes(): number {
    return Math.min(this.#maxUnreadBytes, this.#unread.share);
  }

  /** Ends the iteration. All pending reads are its own, because no other reader may wait while it holds the inbox. */
  #release(): void {
    for (const waiter of this.#reads) {
      this.#reads.delete(waiter);
      waiter.resolve(undefined);
    }
    this.unlisten("iteration");
  }

  #take(style: "iteration" | "listener"): void {
    const taken = this.#consumer !== "none" ? this.#consumer : this.#reads.size > 0 ? "read" : undefined;
    if (taken !== undefined) throw consumerTakenError(style, CONSUMERS[taken]);
    this.#consumer = style;
    this.#hasBeenRead = true;
  }

  #read<T>(what: string, { signal }: AbortOptions, timeout?: { ms: number; value: T }): Promise<Received | T> {
    if (this.#consumer !== "none") return handledRejection(consumerTakenError(what, CONSUMERS[this.#consumer]));
    if (signal?.aborted === true) return handledRejection(abortError(what, signal));
    this.#hasBeenRead = true;
    const received = this.#tryShift();
    if (received !== undefined) return Promise.resolve(received);
    if (this.#end !== undefined) return handledRejection(this.#end.error());
    return this.#wait(what, signal, timeout as { ms: number; value: Received } | undefined) as Promise<Received | T>;
  }

  #wait(what: string, signal?: AbortSignal, timeout?: { ms: number; value: Received }): Promise<Received | undefined> {
    const waiter: Deferred<Received | undefined> = new Deferred<Received | undefined>({
      what,
      ...(signal && { signal }),
      ...(timeout && { timeout }),
      onCancel: () => this.#reads.delete(waiter),
    });
    this.#reads.add(waiter);
    return waiter.promise;
  }

  /** Returns the next data message of an iteration; undefined if the inbox ended normally. */
  async #nextOrEnd(): Promise<DataMessage | undefined> {
    try {
      for (;;) {
        const received = this.#tryShiftData();
        if (received !== undefined) return received;
        if (this.#end !== undefined) throw this.#end.error();
        const awaited = await this.#wait("iteration");
        if (awaited?.kind !== "status") return awaited;
      }
    } catch (error) {
      if (this.#end?.kind === "done") return undefined;
      throw error;
    }
  }

  #giveToRead(entry: Received): boolean {
    for (const waiter of this.#reads) {
      this.#reads.delete(waiter);
      waiter.resolve(entry);
      return true;
    }
    return false;
  }

  #tryShift(): Received | undefined {
    const entry = this.#unread.shift();
    if (entry === undefined) return undefined;
    if (this.#full && (this.#unread.bytes === 0 || this.#unread.bytes < this.#allowedBytes / 2)) {
      this.#full = false;
      this.#events.room();
    }
    if (this.#unread.statuses > 0 || this.#end !== undefined) this.dispatch();
    return entry;
  }

  #tryShiftData(): DataMessage | undefined {
    for (;;) {
      const entry = this.#tryShift();
      if (entry?.kind !== "status") return entry;
    }
  }

  /** Serves pending reads and listeners as far as possible, and notifies listeners of statuses and of the end. */
  dispatch(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    try {
      this.#announce();
      while (this.#reads.size > 0 || this.#isListening()) {
        const entry = this.#tryShift();
        if (entry === undefined) break;
        // An iteration yields data only: its pending read skips the status and keeps waiting.
        const isPassedOver = entry.kind === "status" && this.#consumer === "iteration";
        if (!isPassedOver && !this.#giveToRead(entry) && entry.kind === "data") this.#events.message(entry);
        this.#announce();
      }
    } finally {
      this.#flowing = false;
    }
    if (this.#end !== undefined) this.#tellEnd(this.#end);
  }

  #isListening(): boolean {
    return this.#consumer === "listener" && !this.#paused && this.#end?.kind !== "destroyed";
  }

  /** Notifies listeners of the statuses that no unread data precedes. */
  #announce(): void {
    if (this.#end?.told === true) return;
    for (let status = this.#unread.announce(); status !== undefined; status = this.#unread.announce()) {
      this.#events.status(status);
    }
  }

  #tellEnd(end: End): void {
    // An iteration, a listener or the lock holder gets all messages first. A caller of `read` may not return: do not wait.
    const awaited = this.#consumer !== "none" && end.kind !== "destroyed";
    if (end.told || (awaited && this.#unread.length > this.#unread.statuses)) return;
    end.told = true;
    for (const status of this.#unread.announceAll()) this.#events.status(status);
    for (const waiter of this.#reads) {
      this.#reads.delete(waiter);
      waiter.reject(end.error());
    }
    this.#events.ended();
  }
}
