import { randomBytes } from "node:crypto";

/** Bytes of an AES-GCM nonce. */
export const NONCE_BYTES = 12;

const PREFIX_BYTES = 8;
const COUNTER_MAX = 0xffff_ffff;

/** A source of nonces that this connection has never used; a parameter, so that recorded conversations can be replayed. */
export interface NonceSource {
  /** Writes the next nonce into the 12 bytes of `target`. */
  next(target: Uint8Array): void;
}

/**
 * Nonces of `prefix(8) ‖ counter u32`, counting up from `first`.
 *
 * Both directions of a compatible connection share one key, so a nonce must not equal one of the peer's either: the random
 * prefix keeps the two sides apart, and the counter makes the nonces of one side unique without 12 random bytes (2 µs) per
 * message. The cipher's limit of 2^31 messages ends the connection long before the counter could wrap.
 */
export class CountedNonces implements NonceSource {
  readonly #prefix: Uint8Array;
  #counter: number;

  /**
   * @param prefix 8 bytes; random by default
   * @param first the first counter, 0 … 2^32-1
   * @throws RangeError when the prefix has another length, or `first` is not a whole number in its range.
   */
  constructor(prefix: Uint8Array = randomBytes(PREFIX_BYTES), first = 0) {
    if (prefix.length !== PREFIX_BYTES)
      throw new RangeError(`prefix: takes ${PREFIX_BYTES} bytes, got ${prefix.length}`);
    // NaN would be written as 0 for ever, which is the same nonce each time.
    if (!(Number.isInteger(first) && first >= 0 && first <= COUNTER_MAX))
      throw new RangeError(`first: takes a whole number of 0 … ${COUNTER_MAX}, got ${String(first)}`);
    // A copy, because a prefix changed later could repeat a nonce.
    this.#prefix = Uint8Array.from(prefix);
    this.#counter = first;
  }

  next(target: Uint8Array): void {
    const counter = this.#counter;
    if (counter > COUNTER_MAX)
      throw new RangeError("nonces exhausted: every counter of this prefix is used; take another key");
    target.set(this.#prefix);
    target[8] = counter >>> 24;
    target[9] = counter >>> 16;
    target[10] = counter >>> 8;
    target[11] = counter;
    this.#counter = counter + 1;
  }
}
