import type { ItemQueue } from "../streams/item-queue.js";
import type { CallStream } from "./remote-types.js";

/** A call that gives items, as its caller sees it. */
export class StartedStream implements CallStream<unknown, unknown> {
  readonly [Symbol.toStringTag] = "CallStream";
  readonly result: Promise<unknown>;
  readonly #items: ItemQueue;
  readonly #onAwaited: (() => void) | undefined;

  /** @param onAwaited called when the call itself is awaited */
  constructor(result: Promise<unknown>, items: ItemQueue, onAwaited?: () => void) {
    this.result = result;
    this.#items = items;
    this.#onAwaited = onAwaited;
    // A caller that only iterates gets the error from its loop.
    result.catch(ignore);
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return this.#items[Symbol.asyncIterator]();
  }

  // biome-ignore lint/suspicious/noThenProperty: a stream is a promise of its output.
  then<R = unknown, F = never>(
    onResolved?: ((value: unknown) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => F | PromiseLike<F>) | null,
  ): Promise<R | F> {
    this.#await();
    return this.result.then(onResolved, onRejected);
  }

  catch<F = never>(onRejected?: ((error: unknown) => F | PromiseLike<F>) | null): Promise<unknown> {
    this.#await();
    return this.result.catch(onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<unknown> {
    this.#await();
    return this.result.finally(onSettled);
  }

  #await(): void {
    this.#items.discard();
    this.#onAwaited?.();
  }
}

function ignore(): void {}
