import type { AbortOptions } from "@ipc/transport";
import { handledRejection } from "../deferred.js";
import type { IpcError } from "../errors.js";
import type { MessageIterator } from "../inbox/async-iterator.js";
import { Consumer } from "../inbox/consumer.js";
import { Inbox, type InboxConsumer, type InboxEvents } from "../inbox/inbox.js";
import type { EndKind } from "../inbox/message-source.js";
import {
  type DataMessage,
  type ReceivedMessage,
  type Status,
  type StatusMessage,
  statusCode,
  type TimeoutMessage,
  timeoutMessage,
} from "../message.js";
import { validateAbortOptions, validateDelay } from "../options/call-arguments.js";
import type { PeerEvents } from "../peer.js";
import type { SharedBudget } from "../shared-budget.js";
import { type EventListener, PeerEmitter } from "./peer-emitter.js";

/** More than a paused stream buffers, in bytes. */
const MIN_REMAINING_BYTES = 262_144;

/** The reading side of a peer: delivers messages and statuses in order, by reads, iteration or listeners. */
export abstract class PeerReader<E extends PeerEvents> {
  readonly #emitter: PeerEmitter<E>;
  /** The unread messages and statuses. */
  protected readonly inbox: Inbox;
  protected readonly consumer: InboxConsumer;
  readonly #maxUnreadBytes: number;
  #status: Status;
  #failure: IpcError | undefined;

  constructor(status: Status, maxUnreadBytes: number, budget?: SharedBudget) {
    this.#status = status;
    this.#maxUnreadBytes = maxUnreadBytes;
    const events: InboxEvents = {
      status: (changed) => this.#emit("status", changed),
      full: () => this.pauseInput(),
      room: () => this.resumeInput(),
      ended: () => {
        if (this.#failure !== undefined) this.#emit("error", this.#failure);
        this.#emit("close");
        this.#emitter.clear();
      },
    };
    this.inbox = new Inbox(maxUnreadBytes, events, budget);
    this.consumer = new Consumer(this.inbox, (message) => this.#emit("message", message));
    this.#emitter = new PeerEmitter<E>(this.consumer);
  }

  get status(): Status {
    return this.#status;
  }

  get statusCode(): number {
    return statusCode(this.#status);
  }

  on<K extends keyof E>(event: K, listener: EventListener<E[K]>): this {
    this.#emitter.on(event, listener);
    return this;
  }

  once<K extends keyof E>(event: K, listener: EventListener<E[K]>): this {
    this.#emitter.once(event, listener);
    return this;
  }

  off<K extends keyof E>(event: K, listener: EventListener<E[K]>): this {
    this.#emitter.off(event, listener);
    return this;
  }

  read(options: AbortOptions = {}): Promise<DataMessage | StatusMessage> {
    const fault = validateAbortOptions("read", options);
    return fault === undefined ? this.consumer.read("read", options) : handledRejection(fault);
  }

  readTimed(ms: number): Promise<DataMessage | StatusMessage | TimeoutMessage>;
  readTimed<T>(ms: number, onTimeout: T, options?: AbortOptions): Promise<DataMessage | StatusMessage | T>;
  readTimed(ms: number, ...rest: [onTimeout?: unknown, options?: AbortOptions]): Promise<unknown> {
    // An explicit undefined is a valid `onTimeout`, so count the arguments.
    const [onTimeout, options = {}] = rest.length === 0 ? [timeoutMessage] : rest;
    const fault = validateDelay("readTimed: `ms`", ms) ?? validateAbortOptions("readTimed", options);
    if (fault !== undefined) return handledRejection(fault);
    return this.consumer.read("readTimed", options, { ms, value: onTimeout });
  }

  [Symbol.asyncIterator](): MessageIterator<DataMessage> {
    return this.consumer.iterate();
  }

  pause(): this {
    this.consumer.pause();
    return this;
  }

  resume(): this {
    this.consumer.resume();
    return this;
  }

  /** Stops the input, because the budget of unread bytes is used up. */
  protected abstract pauseInput(): void;

  /**
   * Whether bytes that arrived before a connection's end may still exceed the budget: by up to its size, at least 256 KiB, even
   * if the shared budget is used up. Their memory is already allocated, so dropping them would only lose messages.
   */
  protected get acceptsRemaining(): boolean {
    return this.inbox.unreadBytes < this.#maxUnreadBytes + Math.max(this.#maxUnreadBytes, MIN_REMAINING_BYTES);
  }

  /** Resumes the input, because the budget has room again. */
  protected abstract resumeInput(): void;

  protected get unreadBytes(): number {
    return this.inbox.unreadBytes;
  }

  protected get isFull(): boolean {
    return this.inbox.isFull;
  }

  protected setStatus(status: Status): void {
    this.#status = status;
    this.inbox.pushStatus(status);
  }

  protected emit<K extends keyof E>(event: K, ...args: Extract<E[K], unknown[]>): void {
    this.#emitter.emit(event, ...args);
  }

  protected receive(message: ReceivedMessage): void {
    this.inbox.push(message);
  }

  protected receivedBuffer(buffer: ArrayBufferLike): void {
    this.inbox.compact(buffer);
  }

  /** Ends the input: no message or status arrives after this. */
  protected endReading(kind: EndKind, error: () => IpcError): void {
    if (kind === "failed") this.#failure = error();
    this.inbox.finish(kind, error);
  }

  /** Like `emit`, for the events that every peer has. */
  #emit<K extends keyof PeerEvents>(event: K, ...args: PeerEvents[K]): void {
    this.#emitter.emit(event, ...args);
  }
}
