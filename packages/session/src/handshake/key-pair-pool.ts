import { generateKeyPair, type KeyPair } from "@ipc/crypto";

/** Made at once: as many as Node's thread pool works on. */
const AT_ONCE = 4;

/** So many wait before it is looked whether all are still there. */
const FIRST_SWEEP = 64;

interface Waiting {
  readonly isWanted: () => boolean;
  readonly resolve: (pair: Promise<KeyPair>) => void;
}

/**
 * Makes key pairs, a few at a time, and for whoever came last first.
 *
 * A pair and the secret made with it cost milliseconds, and every handshake has a deadline. When more clients come at once
 * than can be served by then, in the order of their coming each would be served when its time is just over, and none would
 * ever connect. Whoever came last has the most time left; who comes too short gives up, and is the last one when it dials again.
 */
export class KeyPairQueue {
  readonly #generate: () => Promise<KeyPair>;
  #waiting: Waiting[] = [];
  #sweepAt = FIRST_SWEEP;
  #making = 0;

  constructor(generate: () => Promise<KeyPair> = generateKeyPair) {
    this.#generate = generate;
  }

  /** @param isWanted asked when its turn comes; when it is not any more, it never settles */
  take(isWanted: () => boolean): Promise<KeyPair> {
    this.#sweep();
    return new Promise((resolve) => {
      this.#waiting.push({ isWanted, resolve });
      this.#next();
    });
  }

  /** Where more come all the time than can be served, the line is never taken down to those who have given up. */
  #sweep(): void {
    if (this.#waiting.length < this.#sweepAt) return;
    this.#waiting = this.#waiting.filter(({ isWanted }) => isWanted());
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#waiting.length);
  }

  #next(): void {
    while (this.#making < AT_ONCE) {
      const last = this.#waiting.pop();
      if (last === undefined) return;
      if (last.isWanted()) last.resolve(this.#make());
    }
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

/** One line for the process: all of its handshakes share the loop and the thread pool. */
export const keyPairQueue: KeyPairQueue = new KeyPairQueue();

/**
 * Key pairs made ahead, in the thread pool: a handshake takes one and does not wait for it to be made. Each is used once.
 * When they are used up, whoever wants one waits in line.
 */
export class KeyPairPool {
  readonly #size: number;
  readonly #queue: KeyPairQueue;
  readonly #ready: KeyPair[] = [];
  #making = 0;

  /** @param size how many are kept ready, from now on */
  constructor(size: number, queue: KeyPairQueue = keyPairQueue) {
    this.#size = size;
    this.#queue = queue;
    this.#refill();
  }

  /**
   * Gives a pair. Rejects when it cannot be made.
   * @param isWanted asked when it has to be made; when it is not wanted any more, this never settles
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
          // Whoever takes one next is told why, if it fails again.
          () => this.#making--,
        );
    }
  }
}
