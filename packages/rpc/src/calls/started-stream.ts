import type { ItemQueue } from "../streams/item-queue.js";
import type { CallStream } from "./remote-types.js";

/** A promise that tells when it is awaited. */
class WatchedPromise implements Promise<unknown> {
  readonly [Symbol.toStringTag]: string = "Promise";
  readonly #settled: Promise<unknown>;
  readonly #onAwaited: () => void;

  constructor(settled: Promise<unknown>, onAwaited: () => void) {
    this.#settled = settled;
    this.#onAwaited = onAwaited;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise.
  then<R = unknown, F = never>(
    onResolved?: ((value: unknown) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => F | PromiseLike<F>) | null,
  ): Promise<R | F> {
    this.#onAwaited();
    return this.#settled.then(onResolved, onRejected);
  }

  catch<F = never>(onRejected?: ((error: unknown) => F | PromiseLike<F>) | null): Promise<unknown> {
    return this.then(undefined, onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<unknown> {
    this.#onAwaited();
    return this.#settled.finally(onSettled);
  }
}

/** A call that gives items, as its caller sees it. A caller that awaits the call or its result, without a loop, wants no items. */
export class StartedStream extends WatchedPromise implements CallStream<unknown, unknown> {
  override readonly [Symbol.toStringTag] = "CallStream";
  readonly result: Promise<unknown>;
  readonly #items: ItemQueue;

  /** @param onAwaited called when the call itself is awaited */
  constructor(result: Promise<unknown>, items: ItemQueue, onAwaited?: () => void) {
    super(result, () => {
      items.discard();
      onAwaited?.();
    });
    this.result = new WatchedPromise(result, () => items.discard());
    this.#items = items;
    // A caller that only iterates gets the error from its loop.
    result.catch(ignore);
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return this.#items[Symbol.asyncIterator]();
  }
}

function ignore(): void {}
