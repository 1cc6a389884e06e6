import { CryptoError } from "./crypto-error.js";
import { checkForm, RECORD_HEADER_BYTES, readLength } from "./record-header.js";
import type { SealedRecord } from "./record-opener.js";

/** Initial memory for a record that arrives in pieces, in bytes; it doubles as they arrive. */
const FIRST_PART_BYTES = 65_536;

const NOTHING = new Uint8Array(0);

/**
 * Splits a byte stream, cut anywhere, into sealed records.
 *
 * `push` adds a chunk, `next` returns complete records until it returns undefined, then `end` reports the end of the stream.
 * Kind and length are checked before anything is allocated; `RecordOpener` decides whether a record is authentic and allowed
 * now. A record within one chunk is returned as a view into that chunk, any other in memory of its own: a chunk must not be
 * changed after it was pushed.
 *
 * An error is final: every later call throws the same error again.
 */
export class RecordDecoder {
  readonly #header = new Uint8Array(RECORD_HEADER_BYTES);
  #headerUsed = 0;
  /** The bytes received of a record that arrives in pieces. */
  #parts: Uint8Array = NOTHING;
  #partsUsed = 0;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  #failure: CryptoError | undefined;

  /** Bytes pushed and not yet returned as records. */
  get bufferedBytes(): number {
    return this.#chunk.length - this.#at + this.#headerUsed + this.#partsUsed;
  }

  /** Takes ownership of the next bytes of the stream. */
  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    const left = this.#chunk.length - this.#at;
    if (left === 0) {
      this.#chunk = chunk;
    } else {
      const joined = new Uint8Array(left + chunk.length);
      joined.set(this.#chunk.subarray(this.#at));
      joined.set(chunk, left);
      this.#chunk = joined;
    }
    this.#at = 0;
  }

  /**
   * Returns the next complete record, or undefined when more bytes are needed.
   * @throws CryptoError IPC_RECORD_INVALID when its kind does not exist or its length is not allowed.
   */
  next(): SealedRecord | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof CryptoError) this.#fail(error);
      throw error;
    }
  }

  /**
   * Reports the end of the stream. `RecordOpener.end` decides whether the peer intended it.
   * @throws CryptoError IPC_RECORD_TRUNCATED when the stream ended within a record.
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const buffered = this.bufferedBytes;
    if (buffered === 0) return;
    const wanted =
      this.#headerUsed === RECORD_HEADER_BYTES
        ? `${RECORD_HEADER_BYTES + readLength(this.#header, 0)}`
        : "an unknown number of";
    this.#fail(
      new CryptoError(
        "IPC_RECORD_TRUNCATED",
        `stream truncated: end after ${buffered} of ${wanted} bytes of a record; the received part is dropped`,
      ),
    );
  }

  #next(): SealedRecord | undefined {
    if (this.#headerUsed === 0 && this.#chunk.length - this.#at >= RECORD_HEADER_BYTES) {
      const start = this.#at + RECORD_HEADER_BYTES;
      const length = readLength(this.#chunk, this.#at);
      const kind = checkForm(this.#chunk[this.#at] as number, length);
      if (start + length <= this.#chunk.length) {
        this.#at = start + length;
        return { kind, sealed: viewOf(this.#chunk, start, length) };
      }
    }
    return this.#continue();
  }

  /** Continues a record that is not complete in this chunk. */
  #continue(): SealedRecord | undefined {
    while (this.#headerUsed < RECORD_HEADER_BYTES) {
      if (this.#at === this.#chunk.length) return this.#forgetChunk();
      this.#header[this.#headerUsed++] = this.#chunk[this.#at++] as number;
    }
    const length = readLength(this.#header, 0);
    const kind = checkForm(this.#header[0] as number, length);
    const missing = length - this.#partsUsed;
    const piece = this.#chunk.subarray(this.#at, this.#at + missing);
    if (piece.length < missing) {
      if (piece.length > 0) this.#keep(piece, length);
      return this.#forgetChunk();
    }
    let sealed: Uint8Array;
    if (this.#partsUsed === 0) {
      sealed = viewOf(this.#chunk, this.#at, length);
    } else {
      this.#keep(piece, length);
      sealed = this.#parts;
    }
    this.#at += missing;
    this.#forgetParts();
    return { kind, sealed };
  }

  /** Copies a piece of a record of `length` bytes. Memory grows with the received bytes, up to the record's length. */
  #keep(piece: Uint8Array, length: number): void {
    const used = this.#partsUsed + piece.length;
    if (used > this.#parts.length) {
      // Not zeroed, because it is returned only after every byte was overwritten.
      const buffer = Buffer.allocUnsafeSlow(Math.min(length, Math.max(FIRST_PART_BYTES, 2 * used)));
      const grown = viewOf(buffer, 0, buffer.length);
      grown.set(this.#parts.subarray(0, this.#partsUsed));
      this.#parts = grown;
    }
    this.#parts.set(piece, this.#partsUsed);
    this.#partsUsed = used;
  }

  #forgetChunk(): undefined {
    this.#chunk = NOTHING;
    this.#at = 0;
  }

  #forgetParts(): void {
    this.#headerUsed = 0;
    this.#parts = NOTHING;
    this.#partsUsed = 0;
  }

  #fail(error: CryptoError): never {
    this.#failure = error;
    this.#forgetChunk();
    this.#forgetParts();
    throw error;
  }
}

/** Returns a plain Uint8Array: a `subarray` of a Buffer would be a Buffer. */
function viewOf(chunk: Uint8Array, start: number, length: number): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset + start, length);
}
