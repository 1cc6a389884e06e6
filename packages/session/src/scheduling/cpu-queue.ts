import { setImmediate } from "node:timers";
import { SessionError } from "../errors.js";

/** Runs one entry. Returns false if it was cancelled and took no time. */
type Task = () => boolean;

/**
 * CPU work that blocks the event loop, in order of request. Finish handshakes in progress before starting new ones; otherwise
 * they time out under load and their work is wasted.
 */
const queues: Readonly<Record<Priority, Task[]>> = { finish: [], start: [] };
let isScheduled = false;

/** Whether a connection was accepted since the last macrotask of this queue, and how often that put off a "start" in a row. */
let hasArrival = false;
let putOff = 0;

/** Twice as many connections as handshakes a process can start, so that a flood of them leaves time for starting some. */
const ARRIVALS_PER_START = 4;

/**
 * Finishing a handshake costs a tenth of starting one. With a macrotask for each, a handshake would need two macrotasks instead
 * of about one, and a thousand simultaneous clients would make each other time out.
 */
const FINISHING_PER_MACROTASK = 4;

/** Whether the work starts a handshake or finishes one. */
type Priority = "start" | "finish";

/**
 * Queues `work` and settles with what it returns or throws. A macrotask runs at most one "start" and four "finish" entries,
 * because deriving a P-384 secret takes 1–2 ms and a hundred clients may connect at once; timers and sockets run in between.
 * @param isCancelled called when the entry is next; if it returns true, the next entry runs in the same macrotask, so cancelled
 * work delays no other
 * @param priority "finish" goes first, up to four in each macrotask
 * @throws SessionError IPC_ABORTED if it was cancelled
 */
export function runQueued<T>(
  work: () => T,
  isCancelled: () => boolean = () => false,
  priority: Priority = "start",
): Promise<T> {
  return new Promise((resolve, reject) => {
    queues[priority].push(() => {
      if (isCancelled()) {
        reject(new SessionError("IPC_ABORTED", "queued work was cancelled: its handshake has ended"));
        return false;
      }
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
      return true;
    });
    schedule();
  });
}

/**
 * Tells the queue that a server has accepted a connection. libuv accepts one in each iteration of the event loop, so with a
 * "start" in each, connections would wait in the kernel's accept queue behind all others, for seconds in a flood, however short
 * the queue of work is. The queue lets the event loop accept up to four first.
 */
export function noteArrival(): void {
  hasArrival = true;
}

/** How many handshakes wait to be started. */
export function queuedStarts(): number {
  return queues.start.length;
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(() => {
    isScheduled = false;
    for (let count = 0; count < FINISHING_PER_MACROTASK; count++) runNext(queues.finish);
    if (hasArrival && putOff < ARRIVALS_PER_START) {
      putOff++;
    } else {
      putOff = 0;
      runNext(queues.start);
    }
    hasArrival = false;
    if (queues.finish.length > 0 || queues.start.length > 0) schedule();
  });
}

/** Runs the next entry that is not cancelled. */
function runNext(queue: Task[]): void {
  while (queue.length > 0) if (queue.shift()?.() === true) return;
}
