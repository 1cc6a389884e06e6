import { Deferred, type DeferredOptions } from "../deferred.js";
import type { OpenSteps } from "../open-steps.js";
import type { MessageSource } from "./message-source.js";

/** The part of a Deferred that is settled here. */
interface Wait<T> {
  resolve(item: T | undefined): void;
  reject(error: Error): void;
}

/**
 * The calls of `read`, or of `next` of an iteration: those that wait, and the steps of the calls that have been settled.
 *
 * The next call says that a step is over. Concurrent callers do not say which one, so the latest ends first, and a call that got
 * no message leaves a step too: of callers that all have called once, none ends the step of another that has not called again.
 */
export class Pulls<T> {
  readonly #source: Pick<MessageSource<T>, "end" | "stepsOf">;
  readonly #isIteration: () => boolean;
  /** Oldest first. */
  readonly #waits = new Set<Wait<T>>();
  /** Undefined: the step of a call that got a status, or nothing in time. */
  readonly #steps: (OpenSteps | undefined)[] = [];
  /** The number at which each of them ends. */
  readonly #numbers: number[] = [];

  /** @param isIteration whether an iteration makes the calls, and not reads */
  constructor(source: Pick<MessageSource<T>, "end" | "stepsOf">, isIteration: () => boolean) {
    this.#source = source;
    this.#isIteration = isIteration;
  }

  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  /** Waits for the next item; an iteration that is done or was returned from gets undefined. */
  wait<V>(options: Omit<DeferredOptions<T | V | undefined>, "onCancel">): Promise<T | V | undefined> {
    const wait: Deferred<T | V | undefined> = new Deferred<T | V | undefined>({
      ...options,
      onCancel: () => {
        this.#waits.delete(wait);
        this.#push(undefined, 0);
      },
    });
    this.#waits.add(wait);
    this.settle();
    return wait.promise;
  }

  /** Passes an item to the call that has waited longest. */
  serve(item: T): void {
    for (const wait of this.#waits) {
      this.#waits.delete(wait);
      wait.resolve(item);
      return;
    }
  }

  /** Settles the calls that are left after the end of the source: an iteration is done, a read rejects. */
  settle(): void {
    const { end } = this.#source;
    if (end === undefined) return;
    if (end.kind === "done" && this.#isIteration()) this.#resolveAll();
    for (const wait of this.#waits) wait.reject(end.error());
    this.#waits.clear();
  }

  /** Settles the calls of an iteration that was returned from. */
  release(): void {
    this.#resolveAll();
    this.endSteps();
  }

  /** Notes that a call has got an item. */
  beginStep(item: T): void {
    const steps = this.#source.stepsOf(item);
    // The caller of a read has the message for good; an iteration may fail while it handles one.
    this.#push(steps, steps?.begin(!this.#isIteration()) ?? 0);
  }

  endStep(): void {
    if (this.#steps.length === 0) return;
    const number = this.#numbers.pop() as number;
    this.#steps.pop()?.end(number);
  }

  endSteps(): void {
    while (this.#steps.length > 0) this.endStep();
  }

  #push(steps: OpenSteps | undefined, number: number): void {
    this.#steps.push(steps);
    this.#numbers.push(number);
  }

  #resolveAll(): void {
    for (const wait of this.#waits) wait.resolve(undefined);
    this.#waits.clear();
  }
}
