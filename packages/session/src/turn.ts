/** Work that holds the event loop, in the order in which it was asked for. */
const queue: (() => void)[] = [];

/**
 * Does `work` in a turn of the event loop that has no other work of this kind: between two of them, timers fire and sockets
 * are read. A derivation on P-384 takes one or two milliseconds, and a hundred clients may connect at once. Settles with what
 * `work` returns or throws.
 */
export function inItsTurn<T>(work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    queue.push(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
    if (queue.length === 1) setImmediate(doNext);
  });
}

function doNext(): void {
  queue[0]?.();
  queue.shift();
  if (queue.length > 0) setImmediate(doNext);
}
