import type { MessageEncoder } from "../codec/codec.js";
import { SessionError } from "../errors.js";

/**
 * A large message that is encoded in portions, each when it is asked for. Its data must not change until the last one is encoded: the
 * receiver would be given, as authentic, a message that was never written.
 */
export class LargeMessage {
  readonly data: Uint8Array;
  /** Encoded bytes of all portions. */
  readonly bytes: number;
  readonly #portions: Iterator<readonly Uint8Array[]>;
  #leftBytes: number;

  constructor(encoder: MessageEncoder, type: number, data: Uint8Array) {
    this.data = data;
    this.bytes = encoder.encodedBytes(data.length);
    this.#portions = encoder.encodePortions(type, data);
    this.#leftBytes = this.bytes;
  }

  /** Encoded bytes of the portions that are missing. */
  get leftBytes(): number {
    return this.#leftBytes;
  }

  /**
   * Encodes the next portion: chunks to be written in order.
   * @throws CryptoError; SessionError IPC_CONNECTION_LOST if the data has not the length any more with which it was accepted
   */
  next(): readonly Uint8Array[] {
    const { done, value } = this.#portions.next();
    if (done === true) {
      throw new SessionError(
        "IPC_CONNECTION_LOST",
        "connection ended: the buffer of `data` was transferred or resized while a part of it was sent; await the write before",
      );
    }
    for (const chunk of value) this.#leftBytes -= chunk.length;
    return value;
  }
}
