import { setImmediate } from "node:timers";
import { generateKeyPair, type KeyPair } from "@ipc/crypto";
import { queuedStarts } from "../scheduling/cpu-queue.js";

/** Key pairs generated at the same time: the default size of Node's thread pool. */
const AT_ONCE = 4;

/** Derivations that wait for the event loop while more key pairs are made: enough to keep it busy. */
const DERIVATIONS_AHEAD = 4;

/** Up to so many requests wait for a fraction of a second, whatever came first. */
const FEW = 128;

/** Queue length at which requests that are no longer wanted are first removed. */
const FIRST_SWEEP = 64;

interface Waiting {
  readonly isWanted: () => boolean;
  readonly resolve: (pair: Promise<KeyPair>) => void;
}

/**
 * Generates key pairs, at most four at a time. Serves the oldest request first as long as few wait, so that a flood of others
 * cannot overtake a client; otherwise the latest.
 *
 * A pair and its shared secret cost milliseconds, and every handshake has a deadline. If more clients connect at once than the
 * server can serve before their deadlines, first-in first-out order would serve each one just after its deadline, and no client
 * would ever connect. The latest request has the most time left; a client that times out is the latest when it dials again.
 *
 * The thread pool can make more pairs than the event loop can derive secrets. So it makes none while derivations wait: those pairs
 * would take processor time from the derivations, and be lost with handshakes that are dropped meanwhile.
 */
export class KeyPairQueue {
  readonly #generate: () => Promise<KeyPair>;
  readonly #derivations: () => number;
  #waiting: Waiting[] = [];
  #sweepAt = FIRST_SWEEP;
  #making = 0;
  #isHeld = false;

  /** @param derivations returns the number of those that wait */
  constructor(generate: () => Promise<KeyPair> = generateKeyPair, derivations: () => number = queuedStarts) {
    this.#generate = generate;
    this.#derivations = derivations;
  }

  /** @param isWanted called when the request is served; if it returns false, the promise never settles */
  take(isWanted: () => boolean): Promise<KeyPair> {
    this.#sweep();
    return new Promise((resolve) => {
      this.#waiting.push({ isWanted, resolve });
      this.#next();
    });
  }

  /** Removes abandoned requests, because under constant overload the queue is never served down to them. */
  #sweep(): void {
    if (this.#waiting.length < this.#sweepAt) return;
    this.#waiting = this.#waiting.filter(({ isWanted }) => isWanted());
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#waiting.length);
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#making < AT_ONCE && !this.#isHeld) {
      if (this.#derivations() > DERIVATIONS_AHEAD) {
        this.#hold();
        return;
      }
      const next = this.#waiting.length > FEW ? this.#waiting.pop() : this.#waiting.shift();
      if (next?.isWanted() === true) next.resolve(this.#make());
    }
  }

  /** Looks again in the next macrotask, in which a derivation may run. */
  #hold(): void {
    this.#isHeld = true;
    setImmediate(() => {
      this.#isHeld = false;
      this.#next();
    });
  }

  async #make(): Promise<KeyPair> {
    this.#making++;
    try {
      return await this.#generate();
    } finally {
      this.#making--;
      this.#next();
    }
  }
}

/** One queue for the process, because all handshakes share its event loop and thread pool. */
export const keyPairQueue: KeyPairQueue = new KeyPairQueue();

/**
 * Generates key pairs ahead in the thread pool, so that a handshake does not wait for one. Each pair is used once. When none is
 * ready, the request waits in the queue.
 */
export class KeyPairPool {
  readonly #size: number;
  readonly #queue: KeyPairQueue;
  readonly #ready: KeyPair[] = [];
  #making = 0;

  /** @param size number of pairs kept ready, from now on */
  constructor(size: number, queue: KeyPairQueue = keyPairQueue) {
    this.#size = size;
    this.#queue = queue;
    this.#refill();
  }

  /**
   * Resolves with a pair. Rejects if generating it fails.
   * @param isWanted called only if no pair is ready; if it returns false by then, the promise never settles
   */
  take(isWanted: () => boolean): Promise<KeyPair> {
    const pair = this.#ready.pop();
    const taken = pair === undefined ? this.#queue.take(isWanted) : Promise.resolve(pair);
    this.#refill();
    return taken;
  }

  #refill(): void {
    while (this.#ready.length + this.#making < this.#size) {
      this.#making++;
      this.#queue
        .take(() => true)
        .then(
          (pair) => {
            this.#making--;
            this.#ready.push(pair);
          },
          // Ignored here: if generation fails again, the next `take` rejects with the reason.
          () => this.#making--,
        );
    }
  }
}
