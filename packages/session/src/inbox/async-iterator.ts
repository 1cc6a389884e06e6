/** An iteration that can itself stand in a `for await`. */
export type MessageIterator<T> = AsyncIterator<T, undefined> & AsyncIterable<T>;

/** What is iterated over, by one iteration at a time. */
export interface IterationSource<T> {
  /** Takes hold of it. @throws SessionError IPC_CONSUMER_TAKEN */
  readonly begin: () => void;
  /** The next one, if it is there. */
  readonly tryNext: () => T | undefined;
  /** Waits for the next one; undefined when there is none any more, or `end` was called. */
  readonly next: () => Promise<T | undefined>;
  /** Lets go of it, and settles what waits. Called once for each `begin`. */
  readonly end: () => void;
}

/** Starts an iteration. It holds its source from the first `next` until it is done or returned from. */
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
