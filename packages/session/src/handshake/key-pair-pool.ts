import type { KeyPair } from "@ipc/crypto";
import { type KeyPairQueue, keyPairQueue } from "./key-pair-queue.js";

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
