import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { CryptoError } from "./crypto-error.js";
import { CountedNonces, NONCE_BYTES, type NonceSource } from "./nonce-source.js";

/** Bytes of an AES-GCM tag. */
export const TAG_BYTES = 16;

/** Bytes that sealing adds to a plaintext: `nonce(12)` before and `tag(16)` after. */
export const SEAL_OVERHEAD_BYTES: number = NONCE_BYTES + TAG_BYTES;

/**
 * Messages under one key, both directions together, before the connection must end. With random 64-bit prefixes the chance of a
 * repeated nonce stays negligible, and GCM stays far below its bound (NIST SP 800-38D, section 8.3).
 */
const MESSAGE_LIMIT = 2 ** 31;

const ALGORITHM = "aes-256-gcm";
const OPTIONS = { authTagLength: TAG_BYTES } as const;

export interface MessageCipherOptions {
  /** The source of nonces. @default CountedNonces with a random prefix */
  readonly nonces?: NonceSource;
  /** Messages sealed and opened before IPC_CIPHER_EXHAUSTED, 1 … 2^31. @default 2^31 */
  readonly messageLimit?: number;
}

/**
 * The cipher of golang-ipc, one message at a time: `nonce(12) ‖ AES-256-GCM(key, plaintext) ‖ tag(16)`, no associated data.
 *
 * One key serves both directions, and nothing binds a message to its position. Replay and reflection cannot be detected here,
 * because the wire format has no room for it.
 * @see golang-ipc encryption.go, `encrypt` and `decrypt`
 */
export class MessageCipher {
  readonly #key: KeyObject;
  readonly #nonces: NonceSource;
  readonly #limit: number;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  #messages = 0;

  /**
   * @param key 32 bytes, as returned by `deriveMessageKey`
   * @throws RangeError when `messageLimit` is not a whole number in its range.
   */
  constructor(key: KeyObject, options: MessageCipherOptions = {}) {
    const limit = options.messageLimit ?? MESSAGE_LIMIT;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= MESSAGE_LIMIT))
      throw new RangeError(`messageLimit: takes a whole number of 1 … ${MESSAGE_LIMIT}, got ${String(limit)}`);
    this.#key = key;
    this.#nonces = options.nonces ?? new CountedNonces();
    this.#limit = limit;
  }

  /**
   * Seals a plaintext into memory of its own.
   * @throws CryptoError IPC_CIPHER_EXHAUSTED
   */
  seal(plaintext: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plaintext.length + SEAL_OVERHEAD_BYTES);
    this.sealInto(sealed, 0, plaintext);
    return sealed;
  }

  /**
   * Seals `head ‖ tail` into `target` at `offset`, which needs room for both and 28 bytes more.
   * @throws CryptoError IPC_CIPHER_EXHAUSTED
   */
  sealInto(target: Uint8Array, offset: number, head: Uint8Array, tail?: Uint8Array): void {
    this.#count();
    this.#nonces.next(this.#nonce);
    const cipher = createCipheriv(ALGORITHM, this.#key, this.#nonce, OPTIONS);
    target.set(this.#nonce, offset);
    let at = offset + NONCE_BYTES;
    // GCM returns as many bytes as it takes, so each part is written to its final place at once.
    target.set(cipher.update(head), at);
    at += head.length;
    if (tail !== undefined && tail.length > 0) {
      target.set(cipher.update(tail), at);
      at += tail.length;
    }
    cipher.final();
    target.set(cipher.getAuthTag(), at);
  }

  /**
   * Opens a sealed body and returns the plaintext, in memory of its own.
   * @throws CryptoError IPC_DECRYPTION_FAILED when it is too short, altered, or sealed with another key; IPC_CIPHER_EXHAUSTED
   */
  open(sealed: Uint8Array): Uint8Array {
    if (sealed.length < SEAL_OVERHEAD_BYTES) {
      throw new CryptoError(
        "IPC_DECRYPTION_FAILED",
        `sealed message too short: ${sealed.length} bytes, minimum ${SEAL_OVERHEAD_BYTES}; end this connection`,
      );
    }
    this.#count();
    const tagAt = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(ALGORITHM, this.#key, sealed.subarray(0, NONCE_BYTES), OPTIONS);
    decipher.setAuthTag(sealed.subarray(tagAt));
    const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, tagAt));
    try {
      decipher.final();
    } catch (cause) {
      throw new CryptoError(
        "IPC_DECRYPTION_FAILED",
        `decryption failed: invalid tag of a message of ${sealed.length} bytes, which was altered or sealed with another key; end this connection`,
        { cause },
      );
    }
    return plaintext;
  }

  #count(): void {
    if (this.#messages >= this.#limit) {
      throw new CryptoError(
        "IPC_CIPHER_EXHAUSTED",
        `cipher exhausted: ${this.#messages} messages were sealed and opened with this key, the safe maximum; reconnect`,
      );
    }
    this.#messages++;
  }
}
