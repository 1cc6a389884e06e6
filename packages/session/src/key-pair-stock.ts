import { generateKeyPair, type KeyPair } from "@ipc/crypto";

/** Key pairs made ahead, in the thread pool: a handshake takes one and does not wait for it to be made. Each is used once. */
export class KeyPairStock {
  readonly #size: number;
  readonly #pairs: Promise<KeyPair>[] = [];

  /** @param size how many are kept ready, from now on */
  constructor(size: number) {
    this.#size = size;
    this.#refill();
  }

  /** Gives the pair that was begun first, or begins one where there is none. Rejects when it cannot be made. */
  take(): Promise<KeyPair> {
    const pair = this.#pairs.shift() ?? generateKeyPair();
    this.#refill();
    return pair;
  }

  #refill(): void {
    while (this.#pairs.length < this.#size) {
      const pair = generateKeyPair();
      // Told to whoever takes it.
      pair.catch(() => {});
      this.#pairs.push(pair);
    }
  }
}
