import type { AbortOptions } from "@ipc/transport";
import { handledRejection } from "../deferred.js";
import { abortError, consumerTakenError } from "../errors.js";
import { iterate, type MessageIterator } from "./async-iterator.js";
import type { MessageSource, SourceConsumer } from "./message-source.js";
import { Pulls } from "./pulls.js";

const READ = "a pending read";
const ITERATION = "the iteration";
const LISTENER = "the listener";

/**
 * Takes items from a source in one way at a time: by reads, by an iteration, by listeners, or for the holder of a lock, which
 * takes them itself.
 */
export class Consumer<T, D extends T = T> implements SourceConsumer<D> {
  readonly #source: MessageSource<T, D>;
  readonly #deliver: (data: D) => void;
  /** Reads, or calls of `next` of the iteration that holds the source; undefined before the first. */
  #pulls: Pulls<T> | undefined;
  /** The holder of the source, as error messages name it. */
  #holder: string | undefined;
  /** The holder of the lock. */
  #lock: SourceConsumer<D> | undefined;
  #hasBeenRead = false;
  #isRead = false;
  #isPaused = false;
  /** Whether the tick has passed in which the first listener was added. */
  #isFlowing = false;
  /** A listener may call any method of its peer, so another delivery waits until it has returned. */
  #isDelivering = false;
  /** Whether there may be something to do after the delivery in progress. */
  #isServeDue = false;
  /** Whether a microtask will announce what came up under a lock. */
  #isAnnouncing = false;
  /** Called when an iteration or listeners begin to hold the source, and when they have released it. */
  onHeld: (() => void) | undefined;
  onReleased: (() => void) | undefined;

  /** @param deliver passes data to the listeners; must not throw */
  constructor(source: MessageSource<T, D>, deliver: (data: D) => void) {
    this.#source = source;
    this.#deliver = deliver;
    source.consumer = this;
  }

  /** The receiver of the items, for error messages; undefined if a consumer may begin. */
  get holder(): string | undefined {
    return this.#holder ?? (this.#isWaiting ? READ : undefined);
  }

  get #isWaiting(): boolean {
    return this.#pulls?.isWaiting === true;
  }

  /** Whether a read, iteration or listener has used the source since it was last locked. */
  get hasBeenRead(): boolean {
    return this.#hasBeenRead;
  }

  /** Whether `read` was called and nothing else has held the source since: its caller may call again, or not. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Whether something takes the items, or is likely to. */
  get isConsuming(): boolean {
    return this.#holder !== undefined || this.#isRead;
  }

  /** Resolves with the next item; with `timeout.value` if none comes in time. */
  read<V = never>(what: string, { signal }: AbortOptions, timeout?: { ms: number; value: V }): Promise<T | V> {
    if (this.#holder !== undefined) return handledRejection(consumerTakenError(what, this.#holder));
    if (signal?.aborted === true) return handledRejection(abortError(what, signal));
    this.#hasBeenRead = true;
    this.#isRead = true;
    this.#pulls?.endStep();
    const item = this.#next();
    if (item !== undefined) return Promise.resolve(item);
    return this.#startPulls().wait<V>({ what, ...(signal && { signal }), ...(timeout && { timeout }) }) as Promise<
      T | V
    >;
  }

  /** Creates an iteration over the data. It holds the source from the first `next` until it is done or returned from. */
  iterate(): MessageIterator<D> {
    return iterate<D>({
      begin: () => {
        this.#hold("iteration", ITERATION);
        this.onHeld?.();
      },
      tryNext: () => {
        this.#pulls?.endStep();
        return this.#nextData();
      },
      next: () => this.#startPulls().wait({ what: "iteration" }) as Promise<D | undefined>,
      end: () => void this.#release(ITERATION),
    });
  }

  /**
   * Delivers data from the next tick on, like a Node stream, so that listeners added in this one miss nothing.
   * @throws SessionError IPC_CONSUMER_TAKEN
   */
  listen(): void {
    if (this.#holder === LISTENER) return;
    this.#hold("listener", LISTENER);
    this.onHeld?.();
    process.nextTick(() => {
      this.#isFlowing = this.#holder === LISTENER;
      this.#dispatch();
    });
  }

  /** Returns whether the source went to listeners. */
  unlisten(): boolean {
    return this.#release(LISTENER);
  }

  /** Holds items back from listeners and from the holder of a lock. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    process.nextTick(() => this.ready());
  }

  /**
   * Locks the source for another consumer, which takes the items itself.
   * @param holder what it is, for error messages
   * @throws SessionError IPC_CONSUMER_TAKEN
   */
  lock(what: string, holder: string, consumer: SourceConsumer<D>): void {
    this.#hold(what, holder);
    this.#lock = consumer;
    this.#hasBeenRead = false;
  }

  get isLocked(): boolean {
    return this.#lock !== undefined;
  }

  /**
   * Releases the lock; items that are left stay for the next consumer. What the lock held up is announced in a microtask, so that
   * the caller can release several locks before any listener is called.
   */
  unlock(): void {
    if (this.#lock === undefined) return;
    this.#lock = undefined;
    this.#holder = undefined;
    this.#announceSoon();
  }

  /**
   * Returns the next item unless a pause holds it back. Only the holder of the lock calls it, and delivers the item before it
   * yields. Announcements wait for a microtask, because their listeners may end that delivery.
   */
  take(): T | undefined {
    const item = this.#mayPush() ? this.#source.take() : undefined;
    this.#announceSoon();
    return item;
  }

  /** Like `take`, but drops items until it finds data. */
  takeData(): D | undefined {
    const data = this.#mayPush() ? this.#source.takeData() : undefined;
    this.#announceSoon();
    return data;
  }

  ready(): void {
    if (this.#lock === undefined) this.#dispatch();
    else {
      this.#lock.ready();
      this.#announceSoon();
    }
  }

  /** Whether `deliver` may be called. */
  get canDeliver(): boolean {
    return this.#isFlowing && !this.#isDelivering && this.#mayPush();
  }

  /** Passes data to listeners at once. Most messages come this way: they never enter a queue. */
  deliver(data: D): void {
    this.#isDelivering = true;
    const steps = this.#source.stepsOf(data);
    const isCounted = steps?.deliver() === true;
    this.#deliver(data);
    if (isCounted) steps.delivered();
    this.#isDelivering = false;
    if (this.#isServeDue) this.#dispatch();
  }

  offer(data: D): boolean {
    if (this.#lock !== undefined) return this.#mayPush() && this.#lock.offer(data);
    if (!this.canDeliver) return false;
    this.deliver(data);
    return true;
  }

  #startPulls(): Pulls<T> {
    this.#pulls ??= new Pulls(this.#source, () => this.#holder === ITERATION);
    return this.#pulls;
  }

  #hold(what: string, holder: string): void {
    const taken = this.holder;
    if (taken !== undefined) throw consumerTakenError(what, taken);
    this.#holder = holder;
    this.#hasBeenRead = true;
    this.#isRead = false;
    this.#pulls?.endSteps();
  }

  #release(holder: string): boolean {
    if (this.#holder !== holder) return false;
    this.#holder = undefined;
    this.#isFlowing = false;
    // All pulls are those of the iteration, because no read may wait while it holds the source.
    this.#pulls?.release();
    this.#dispatch();
    this.onReleased?.();
    return true;
  }

  #announceSoon(): void {
    if (this.#isAnnouncing || !this.#source.hasAnnouncements) return;
    this.#isAnnouncing = true;
    queueMicrotask(() => {
      this.#isAnnouncing = false;
      this.#dispatch();
    });
  }

  /** Whether items may go to listeners or to the holder of a lock. */
  #mayPush(): boolean {
    return !this.#isPaused && this.#source.end?.kind !== "destroyed";
  }

  #next(): T | undefined {
    return this.#step(this.#source.take());
  }

  #nextData(): D | undefined {
    return this.#step(this.#source.takeData());
  }

  /**
   * Reads, an iteration and queued deliveries to listeners get their items here. Announces what the taken item preceded: at once
   * for a read or an iteration, which has the item; after the listeners have returned for a delivery.
   */
  #step<I extends T>(item: I | undefined): I | undefined {
    if (item !== undefined && !this.#isFlowing) this.#startPulls().beginStep(item);
    if (this.#source.hasAnnouncements) this.#dispatch();
    return item;
  }

  /** Does what can be done now: announces, serves pending waits and listeners. */
  #dispatch(): void {
    if (this.#isFlowing || this.#isWaiting || this.#source.hasAnnouncements) this.#serve();
  }

  #serve(): void {
    if (this.#isDelivering) {
      this.#isServeDue = true;
      return;
    }
    this.#isDelivering = true;
    do if (this.#source.hasAnnouncements) this.#source.announce(this.#holder !== undefined);
    while (this.#deliverNext());
    this.#isDelivering = false;
    this.#isServeDue = false;
    if (this.#isWaiting) this.#pulls?.settle();
  }

  #deliverNext(): boolean {
    if (this.#isFlowing) {
      const data = this.#mayPush() ? this.#nextData() : undefined;
      if (data === undefined) return false;
      this.#passOn(data);
      return true;
    }
    if (!this.#isWaiting) return false;
    const item = this.#holder === ITERATION ? this.#nextData() : this.#next();
    if (item === undefined) return false;
    this.#pulls?.serve(item);
    return true;
  }

  /** Passes unread data to listeners: a step, because another connection may be there by now. */
  #passOn(data: D): void {
    const steps = this.#source.stepsOf(data);
    const step = steps?.begin() ?? 0;
    this.#deliver(data);
    steps?.end(step);
  }
}
