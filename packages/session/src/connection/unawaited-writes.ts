import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import type { PromiseWatch } from "../deferred.js";
import { SessionError } from "../errors.js";
import type { SlipReporter } from "../slip-reporter.js";

/**
 * How long the report of a write that nothing awaits is put off, in milliseconds: a caller may collect writes, wait for something else
 * first, such as a flush, and await them then.
 */
const REPORT_AFTER_MS = 1_000;

/** A promise that knows whether anything waits for it. */
class WatchedPromise<T> extends Promise<T> {
  #isAwaited = false;
  #onAwaited: (() => void) | undefined;

  /** Promises that are derived from it are not watched. */
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
    this.#onAwaited?.();
    this.#onAwaited = undefined;
    return super.then(onResolved, onRejected);
  }

  /** Calls back once, when something waits for it after all. */
  onAwaited(callback: () => void): void {
    this.#onAwaited = callback;
  }

  /** Calls back when it rejects, which does not count as waiting for it; the rejection counts as handled. */
  onRejected(callback: (error: Error) => void): void {
    void super.then(undefined, callback);
  }
}

interface Rejected {
  readonly promise: WatchedPromise<unknown>;
  readonly error: Error;
}

/** The writes that one report is about, while nothing awaits them. */
interface Report {
  unawaited: number;
  latest: Error;
  readonly onAwaited: () => void;
}

/**
 * Counts the writes of a peer that are rejected while nothing waits for them: messages that are lost without any caller that knows.
 * Only a write that waits, or is rejected, has a promise of its own that is watched.
 */
export class UnawaitedWrites implements PromiseWatch {
  readonly #slips: SlipReporter;
  #count = 0;
  /** Rejected in this turn of the event loop; most callers await them before it is over. */
  #rejected: Rejected[] = [];
  /** Waits for its time. Holds no promises, because a program may write without end. */
  #report: Report | undefined;
  #hasReported = false;
  #isOver = false;

  constructor(slips: SlipReporter) {
    this.#slips = slips;
  }

  /** Those that nothing has awaited until now. */
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
    if (this.#rejected.length === 0) setImmediate(() => this.#check());
    this.#rejected.push({ promise, error });
  }

  #check(): void {
    const unawaited = this.#rejected.filter(({ promise }) => !promise.isAwaited);
    this.#rejected = [];
    for (const { promise, error } of unawaited) {
      this.#report ??= this.#begin(error);
      this.#report.unawaited++;
      this.#report.latest = error;
      this.#count++;
      promise.onAwaited(this.#report.onAwaited);
    }
  }

  #begin(latest: Error): Report {
    const report: Report = {
      unawaited: 0,
      latest,
      onAwaited: () => {
        report.unawaited--;
        this.#count--;
      },
    };
    sendLater(() => this.#send(report));
    return report;
  }

  #send({ unawaited, latest: cause }: Report): void {
    this.#report = undefined;
    if (unawaited === 0) return;
    const level = this.#hasReported ? "debug" : "warn";
    this.#hasReported = true;
    const message = `${unawaited} writes were rejected and nothing awaited them, last: ${cause.message}; await each write, or catch its rejection`;
    this.#slips.report(new SessionError("IPC_WRITE_UNAWAITED", message, { cause }), level);
  }
}

/** The functions that send the waiting reports. */
const waiting = new Set<() => void>();

/** Sends a report when it is due, or when the process has nothing left to do: then nothing can await the writes any more. */
function sendLater(report: () => void): void {
  const timer = setTimeout(send, REPORT_AFTER_MS).unref();
  if (waiting.size === 0) process.on("beforeExit", sendAll);
  waiting.add(send);

  function send(): void {
    clearTimeout(timer);
    waiting.delete(send);
    if (waiting.size === 0) process.off("beforeExit", sendAll);
    report();
  }
}

function sendAll(): void {
  for (const send of waiting) send();
}
