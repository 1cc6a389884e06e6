import type { AbortOptions } from "@ipc/transport";
import type { GoawayReason } from "../codec/control-frame.js";
import { handledRejection } from "../deferred.js";
import type { SilenceNews } from "../diagnostics.js";
import { type IpcError, isCausedBy, traitsOf } from "../errors.js";
import type { MessageIterator } from "../inbox/async-iterator.js";
import { Consumer } from "../inbox/consumer.js";
import { Inbox, type InboxConsumer, type InboxEvents } from "../inbox/inbox.js";
import type { EndKind } from "../inbox/message-source.js";
import { type DataMessage, type MessageOrigin, ReceivedMessage, type Status, type StatusMessage } from "../message.js";
import { validateAbortOptions, validateDelay } from "../options/call-arguments.js";
import type { PeerEvents, ResumedNews } from "../peer.js";
import type { SharedBudget } from "../shared-budget.js";
import type { SlipReporter } from "../slip-reporter.js";
import { ListenerFailures } from "./listener-failures.js";
import { type EventListener, PeerEmitter } from "./peer-emitter.js";

/** More than a paused stream buffers, in bytes. */
const MIN_REMAINING_BYTES = 262_144;

/** Every event of a peer, and whether its listeners are called for the connection that is there. A message and a status have theirs. */
const EVENTS: Readonly<Record<keyof PeerEvents, boolean>> = {
  message: false,
  status: false,
  lost: false,
  resumed: false,
  silent: true,
  responsive: true,
  draining: true,
  error: false,
  close: false,
};

const EVENT_NAMES: readonly string[] = Object.keys(EVENTS);

/** The statuses of a peer that has no further connection. */
const ENDED: ReadonlySet<Status> = new Set(["Closing", "Closed", "Error", "Timeout"]);

export interface PeerReaderOptions {
  readonly status: Status;
  readonly maxUnreadBytes: number;
  readonly budget?: SharedBudget | undefined;
  readonly slips: SlipReporter;
  readonly ownEvents?: readonly string[] | undefined;
}

/** The connections that a reader reads. */
export interface PeerInput {
  /** The connection that is there. */
  readonly origin: MessageOrigin | undefined;
  /** Whether the event for a Connected waits, because earlier messages are still being handled. */
  readonly holdsConnected: boolean;
  /** Ends a connection because a listener failed, or a layer cannot go on with it. Returns false if it is over already. */
  endConnection(connection: MessageOrigin, error: IpcError): boolean;
  /** Stops the input, because the budget of unread bytes is used up. */
  pauseInput(): void;
  /** Resumes the input, because the budget has room again. */
  resumeInput(): void;
}

/** The reading side of a peer: delivers messages and statuses in order, by reads, iteration or listeners. */
export class PeerReader<E extends PeerEvents> implements InboxEvents {
  readonly #emitter: PeerEmitter<E, MessageOrigin>;
  /** The unread messages and statuses. */
  readonly inbox: Inbox;
  readonly consumer: InboxConsumer;
  readonly #input: PeerInput;
  readonly #maxUnreadBytes: number;
  #status: Status;
  #failure: IpcError | undefined;
  /** While a Connected is emitted: its connection, which may be over. */
  #announced: MessageOrigin | undefined;

  constructor({ status, maxUnreadBytes, budget, slips, ownEvents }: PeerReaderOptions, input: PeerInput) {
    this.#input = input;
    this.#status = status;
    this.#maxUnreadBytes = maxUnreadBytes;
    this.inbox = new Inbox(maxUnreadBytes, this, budget);
    this.consumer = new Consumer(this.inbox, (message) => this.#emitter.emitMessage(message));
    const failures = new ListenerFailures<E, MessageOrigin>({
      slips,
      connectionOf: (event, args) => {
        if (event === "message") return ReceivedMessage.originOf(args[0] as DataMessage);
        if (event === "status") return this.#announced;
        return EVENTS[event as keyof PeerEvents] ? input.origin : undefined;
      },
      end: (connection, error) => input.endConnection(connection, error),
      isEnd: ({ loss }, error) => this.isEnd(loss, error),
    });
    const events = ownEvents === undefined ? EVENT_NAMES : [...EVENT_NAMES, ...ownEvents];
    this.#emitter = new PeerEmitter<E, MessageOrigin>(events, failures, this.consumer);
  }

  get status(): Status {
    return this.#status;
  }

  on<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#emitter.on(event, listener);
  }

  once<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#emitter.once(event, listener);
  }

  off<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#emitter.off(event, listener);
  }

  read(options: AbortOptions = {}): Promise<DataMessage | StatusMessage> {
    const fault = validateAbortOptions("read", options);
    return fault === undefined ? this.consumer.read("read", options) : handledRejection(fault);
  }

  readTimed<T>(ms: number, onTimeout: T, options: AbortOptions = {}): Promise<DataMessage | StatusMessage | T> {
    const fault = validateDelay("readTimed: `ms`", ms) ?? validateAbortOptions("readTimed", options);
    if (fault !== undefined) return handledRejection(fault);
    return this.consumer.read("readTimed", options, { ms, value: onTimeout });
  }

  iterate(): MessageIterator<DataMessage> {
    return this.consumer.iterate();
  }

  pause(): void {
    this.consumer.pause();
  }

  resume(): void {
    this.consumer.resume();
  }

  /**
   * Whether bytes that arrived before a connection's end may still exceed the budget: by up to its size, at least 256 KiB, even
   * if the shared budget is used up. Their memory is already allocated, so dropping them would only lose messages.
   */
  get acceptsRemaining(): boolean {
    return this.inbox.unreadBytes < this.#maxUnreadBytes + Math.max(this.#maxUnreadBytes, MIN_REMAINING_BYTES);
  }

  get unreadBytes(): number {
    return this.inbox.unreadBytes;
  }

  get isFull(): boolean {
    return this.inbox.isFull;
  }

  setStatus(status: Status): void {
    this.#status = status;
    this.inbox.pushStatus(status, status === "Connected" ? this.#input.origin : undefined);
  }

  /** Ends the connection that is there, as when it is lost. Returns false if there is none. */
  endConnection(error: IpcError): boolean {
    const connection = this.#input.origin;
    return connection !== undefined && this.#input.endConnection(connection, error);
  }

  /** Whether an error says that a connection, which has ended with `loss`, or this peer itself is over. */
  isEnd(loss: Error | undefined, error: IpcError): boolean {
    if (loss !== undefined && isCausedBy(error, loss)) return true;
    return traitsOf(error.code).ends === "the peer" && ENDED.has(this.#status);
  }

  emit<K extends keyof E>(event: K, ...args: Extract<E[K], unknown[]>): void {
    this.#emitter.emit(event, ...args);
  }

  emitSilence({ change, silenceMs }: SilenceNews): void {
    this.#emit(change, silenceMs);
  }

  emitResumed(news: ResumedNews): void {
    this.#emit("resumed", news);
  }

  emitGoaway(reason: GoawayReason): void {
    if (reason === "draining") this.#emit("draining");
  }

  receive(message: ReceivedMessage): void {
    this.inbox.push(message);
  }

  receivedBuffer(buffer: ArrayBufferLike): void {
    this.inbox.compact(buffer);
  }

  /** Ends the input: no message or status arrives after this. */
  end(kind: EndKind, error: () => IpcError): void {
    if (kind === "failed") this.#failure = error();
    this.inbox.finish(kind, error);
  }

  /** A listener may cause the next status. */
  onStatus(status: Status, origin: MessageOrigin | undefined): void {
    const outer = this.#announced;
    this.#announced = origin;
    this.#emit("status", status);
    this.#announced = outer;
  }

  holdsConnected(): boolean {
    return this.#input.holdsConnected;
  }

  onFull(): void {
    this.#input.pauseInput();
  }

  onRoom(): void {
    this.#input.resumeInput();
  }

  onEnded(): void {
    if (this.#failure !== undefined) this.#emit("error", this.#failure);
    this.#emit("close");
    this.#emitter.clear();
    // The listeners had the statuses that are left as events, so a read after the end rejects.
    if (this.consumer.unlisten() && this.inbox.unreadBytes === 0) this.inbox.takeData();
  }

  /** Like `emit`, for the events that every peer has. */
  #emit<K extends keyof PeerEvents>(event: K, ...args: PeerEvents[K]): void {
    this.#emitter.emit(event, ...args);
  }
}
