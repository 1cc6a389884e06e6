import { SessionError } from "../errors.js";

interface Task {
  readonly isCancelled: () => boolean;
  readonly drop: () => void;
  readonly run: () => void;
}

/**
 * Work that holds the event loop, in the order in which it was asked for. What brings to its end that for which work was done
 * before comes first: behind hundreds that begin, those who have gone furthest would run out of time, and all be in vain.
 */
const queues: Readonly<Record<Priority, Task[]>> = { ending: [], beginning: [] };
let isScheduled = false;

/**
 * What ends takes a tenth of what begins. With a turn for each, a thousand clients at once would need two turns each where one
 * is enough, and wear each other out.
 */
const FINISHING_PER_MACROTASK = 4;

/** How far those are who ask. */
type Priority = "beginning" | "ending";

/**
 * Does `work` in a turn of the event loop that has no other work of this kind: between two of them, timers fire and sockets
 * are read. A derivation on P-384 takes one or two milliseconds, and a hundred clients may connect at once. Settles with what
 * `work` returns or throws.
 * @param isCancelled whether nobody wants it any more: it is asked when the turn has come, which then is the next one's, so that
 * those who leave hold nobody up
 * @param priority "ending": before all that begin
 * @throws SessionError IPC_ABORTED when it is over
 */
export function runQueued<T>(
  work: () => T,
  isCancelled: () => boolean = () => false,
  priority: Priority = "beginning",
): Promise<T> {
  return new Promise((resolve, reject) => {
    queues[priority].push({
      isCancelled,
      drop: () => reject(new SessionError("IPC_ABORTED", "nobody waits for this work any more")),
      run: () => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      },
    });
    schedule();
  });
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(doNext);
}

function doNext(): void {
  isScheduled = false;
  for (let count = 0; count < FINISHING_PER_MACROTASK; count++) takeWanted(queues.ending)?.run();
  takeWanted(queues.beginning)?.run();
  if (queues.ending.length > 0 || queues.beginning.length > 0) schedule();
}

function takeWanted(queue: Task[]): Task | undefined {
  while (queue[0]?.isCancelled()) queue.shift()?.drop();
  return queue.shift();
}
