import { setImmediate } from "node:timers";
import type { PromiseWatch } from "../deferred.js";
import { SessionError } from "../errors.js";
import type { SlipReporter } from "../slip-reporter.js";

/** A promise that knows whether anything waits for it. */
class WatchedPromise<T> extends Promise<T> {
  #isAwaited = false;

  /** What follows from it is not watched. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  // biome-ignore lint/suspicious/noThenProperty: `await` and every method of promises come here
  override then<R = T, E = never>(
    onResolved?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#isAwaited = true;
    return super.then(onResolved, onRejected);
  }

  /** Calls back when it rejects, which does not count as waiting for it; the rejection counts as handled. */
  onRejected(callback: (error: Error) => void): void {
    void super.then(undefined, callback);
  }
}

/**
 * Counts the writes of a peer that are rejected while nothing waits for them: messages that are lost without any caller that knows.
 * Only a write that waits, or is rejected, has a promise of its own that is watched.
 */
export class UnawaitedWrites implements PromiseWatch {
  readonly #slips: SlipReporter;
  #count = 0;
  /** Rejected in this turn of the event loop; the caller may await them until it is over. */
  #rejected: WatchedPromise<unknown>[] = [];
  #latest: Error | undefined;
  #isOver = false;

  constructor(slips: SlipReporter) {
    this.#slips = slips;
  }

  get count(): number {
    return this.#count;
  }

  create<T>(executor: ConstructorParameters<typeof Promise<T>>[0]): Promise<T> {
    const promise = new WatchedPromise<T>(executor);
    promise.onRejected((error) => this.#note(promise, error));
    return promise;
  }

  /** Returns a rejected promise, for a write that is not accepted. */
  reject(error: Error): Promise<never> {
    return this.create<never>((_resolve, reject) => reject(error));
  }

  /** Counts no further rejection, because the program has destroyed the peer, and its messages with it. */
  stop(): void {
    this.#isOver = true;
  }

  #note(promise: WatchedPromise<unknown>, error: Error): void {
    if (this.#isOver || promise.isAwaited) return;
    if (this.#rejected.length === 0) setImmediate(this.#check);
    this.#rejected.push(promise);
    this.#latest = error;
  }

  readonly #check = (): void => {
    const unawaited = this.#rejected.filter(({ isAwaited }) => !isAwaited).length;
    const cause = this.#latest;
    this.#rejected = [];
    this.#latest = undefined;
    if (unawaited === 0) return;
    const level = this.#count === 0 ? "warn" : "debug";
    this.#count += unawaited;
    const message = `${unawaited} writes were rejected and nothing awaited them, last: ${cause?.message}; await each write, or catch its rejection`;
    this.#slips.report(new SessionError("IPC_WRITE_UNAWAITED", message, { cause }), level);
  };
}
