import { SessionError } from "./session-error.js";

interface Work {
  readonly isOver: () => boolean;
  readonly drop: () => void;
  readonly run: () => void;
}

/** Work that holds the event loop, in the order in which it was asked for. */
const queue: Work[] = [];

/**
 * Does `work` in a turn of the event loop that has no other work of this kind: between two of them, timers fire and sockets
 * are read. A derivation on P-384 takes one or two milliseconds, and a hundred clients may connect at once. Settles with what
 * `work` returns or throws.
 * @param isOver whether nobody wants it any more: it is asked when the turn has come, which then is the next one's, so that
 * those who leave hold nobody up
 * @throws SessionError IPC_ABORTED when it is over
 */
export function inItsTurn<T>(work: () => T, isOver: () => boolean = () => false): Promise<T> {
  return new Promise((resolve, reject) => {
    queue.push({
      isOver,
      drop: () => reject(new SessionError("IPC_ABORTED", "nobody waits for this work any more")),
      run: () => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      },
    });
    if (queue.length === 1) setImmediate(doNext);
  });
}

function doNext(): void {
  while (queue[0]?.isOver()) queue.shift()?.drop();
  // Still at its place while it runs: what it asks for comes behind it.
  queue[0]?.run();
  queue.shift();
  if (queue.length > 0) setImmediate(doNext);
}
