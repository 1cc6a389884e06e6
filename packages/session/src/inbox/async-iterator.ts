/** An iterator that can be used in `for await`. */
export type MessageIterator<T> = AsyncIterator<T, undefined> & AsyncIterable<T>;

/** Supplies the items of an iterator; one iterator at a time may hold it. */
export interface IterationSource<T> {
  /** Acquires the source. @throws SessionError IPC_CONSUMER_TAKEN */
  readonly begin: () => void;
  /** Returns the next item if it is available at once. */
  readonly tryNext: () => T | undefined;
  /** Waits for the next item; resolves with undefined if none follows or `end` was called. */
  readonly next: () => Promise<T | undefined>;
  /** Releases the source and settles pending waits. Called once for each `begin`. */
  readonly end: () => void;
}

/** Creates an iterator. It holds its source from the first `next` until it is done, fails or is returned from. */
export function iterate<T>(source: IterationSource<T>): MessageIterator<T> {
  let state: "new" | "open" | "over" = "new";
  const over = (): IteratorResult<T, undefined> => {
    const before = state;
    state = "over";
    if (before === "open") source.end();
    return { done: true, value: undefined };
  };
  const wait = async (): Promise<IteratorResult<T, undefined>> => {
    try {
      const value = await source.next();
      return value === undefined ? over() : { done: false, value };
    } catch (error) {
      over();
      throw error;
    }
  };
  const next = (): Promise<IteratorResult<T, undefined>> => {
    if (state === "over") return Promise.resolve(over());
    try {
      if (state === "new") source.begin();
    } catch (error) {
      return Promise.reject(error);
    }
    state = "open";
    const value = source.tryNext();
    return value === undefined ? wait() : Promise.resolve({ done: false, value });
  };
  const iteration: MessageIterator<T> = {
    next,
    return: () => Promise.resolve(over()),
    [Symbol.asyncIterator]: () => iteration,
  };
  return iteration;
}
