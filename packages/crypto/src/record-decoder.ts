import { CryptoError } from "./crypto-error.js";
import { freeMemory } from "./free-memory.js";
import { TAG_BYTES } from "./message-cipher.js";
import { checkForm, RECORD_HEADER_BYTES, RECORD_KIND, type RecordKind, readLength } from "./record-header.js";
import type { RecordOpener } from "./record-opener.js";

/**
 * Ciphertext of up to this size, in bytes, is gathered and decrypted at once: a copy costs less than a second call of the cipher, and
 * the frames in it stay together. A message of 64 KiB in a record of its own is as long.
 */
const WHOLE_BYTES = 66_560;

/** Longer ciphertext that arrives in smaller pieces is gathered to this size, in bytes, because each piece costs a cipher call. */
const MIN_PIECE_BYTES = 4_096;

const NOTHING: Uint8Array = new Uint8Array(0);
const NO_PLAINTEXT: readonly Uint8Array[] = [];

/** Authentic plaintext of a record: all of it, or the next piece of a record that arrived in several. */
export interface OpenedPiece {
  readonly kind: RecordKind;
  /** In memory of its own. Empty if the record has no plaintext. */
  readonly plaintext: Uint8Array;
}

/**
 * Decodes a byte stream, cut anywhere, into the plaintext of its records.
 *
 * `push` adds a chunk, `next` returns plaintext until it returns undefined, then `end` reports the end of the stream. Kind and length
 * are checked before anything is allocated. A record of more than 65 KiB that arrives in several chunks is decrypted as they come, in
 * pieces of 4 096 bytes or more, and nothing of it is returned before its tag is verified. A chunk must not be changed after it was pushed.
 *
 * An error is final: every later call throws the same error again.
 */
export class RecordDecoder {
  readonly #opener: RecordOpener;
  /** The received bytes of the header of a record that arrives in pieces, as one number. */
  #header = 0;
  #headerUsed = 0;
  /** Bytes of ciphertext and tag that were taken from chunks, of a record that arrives in pieces. */
  #bodyUsed = 0;
  /** Gathered ciphertext that is not decrypted yet; undefined before the first. */
  #gathered: Uint8Array | undefined;
  #gatheredUsed = 0;
  /** The tag of such a record. */
  #tag = NOTHING;
  /** Plaintext of a verified record that was not returned yet. */
  #opened = NO_PLAINTEXT;
  #openedKind: RecordKind = RECORD_KIND.data;
  #openedAt = 0;
  #openedBytes = 0;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  #failure: CryptoError | undefined;

  /** @param opener opens the records of this stream, and is not used for anything else from now on */
  constructor(opener: RecordOpener) {
    this.#opener = opener;
  }

  /** Bytes pushed and not yet returned as plaintext. */
  get bufferedBytes(): number {
    return this.#chunk.length - this.#at + this.#headerUsed + this.#bodyUsed + this.#openedBytes;
  }

  /** Frees the memory of a pushed chunk, which nothing else may use then, unless bytes of it are still to be taken. */
  release(chunk: Uint8Array): void {
    if (this.#chunk === chunk) {
      if (this.#at < chunk.length) return;
      this.#forgetChunk();
    }
    freeMemory(chunk);
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
   * Returns the next authentic plaintext, or undefined when more bytes are needed.
   * @throws CryptoError IPC_RECORD_INVALID when the kind of a record does not exist or its length is not allowed; all errors of
   * `RecordOpener.open`
   */
  next(): OpenedPiece | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#openedBytes > 0 ? this.#nextOpened() : this.#next();
    } catch (error) {
      if (error instanceof CryptoError) this.#fail(error);
      throw error;
    }
  }

  /**
   * Reports the end of the stream.
   * @throws CryptoError IPC_RECORD_TRUNCATED when it ended within a record, or when no CLOSE came before
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const buffered = this.bufferedBytes;
    try {
      if (buffered > 0) throw this.#truncated(buffered);
      this.#opener.end();
    } catch (error) {
      this.#fail(error as CryptoError);
    }
  }

  #truncated(buffered: number): CryptoError {
    const isHeaderComplete = this.#headerUsed === RECORD_HEADER_BYTES;
    const wanted = isHeaderComplete ? `${RECORD_HEADER_BYTES + lengthIn(this.#header)}` : "an unknown number of";
    return new CryptoError(
      "IPC_RECORD_TRUNCATED",
      `stream truncated: end after ${buffered} of ${wanted} bytes of a record; the received part is dropped`,
    );
  }

  #next(): OpenedPiece | undefined {
    if (this.#headerUsed === 0 && this.#chunk.length - this.#at >= RECORD_HEADER_BYTES) {
      const start = this.#at + RECORD_HEADER_BYTES;
      const length = readLength(this.#chunk, this.#at);
      const kind = checkForm(this.#chunk[this.#at] as number, length);
      if (start + length <= this.#chunk.length) {
        const end = start + length;
        const plaintext = this.#opener.open({ kind, sealed: this.#chunk.subarray(start, end) });
        // After `open`, because a record for which there is no memory must not be skipped. Its number in the opener is used up by
        // then, so that a second attempt fails its tag instead of going on behind it.
        this.#at = end;
        return { kind, plaintext };
      }
    }
    return this.#continue();
  }

  /** Continues a record that is not complete in this chunk. */
  #continue(): OpenedPiece | undefined {
    if (!this.#readHeader()) return this.#forgetChunk();
    const length = lengthIn(this.#header);
    const tagAt = length - TAG_BYTES;
    if (this.#bodyUsed < tagAt) this.#decrypt(tagAt);
    while (this.#bodyUsed >= tagAt && this.#bodyUsed < length && this.#at < this.#chunk.length) {
      this.#tag[this.#bodyUsed++ - tagAt] = this.#chunk[this.#at++] as number;
    }
    if (this.#bodyUsed < length) return this.#forgetChunk();
    const kind = kindIn(this.#header) as RecordKind;
    const tag = this.#tag;
    this.#forgetRecord();
    this.#opened = this.#opener.finish(tag);
    if (this.#opened.length === 0) return { kind, plaintext: NOTHING };
    this.#openedKind = kind;
    this.#openedAt = 0;
    this.#openedBytes = tagAt;
    return this.#nextOpened();
  }

  /** Returns whether the header is complete. Its record is begun as soon as it is, so that an invalid one is rejected at once. */
  #readHeader(): boolean {
    if (this.#headerUsed === RECORD_HEADER_BYTES) return true;
    while (this.#headerUsed < RECORD_HEADER_BYTES) {
      if (this.#at === this.#chunk.length) return false;
      this.#header = (this.#header << 8) | (this.#chunk[this.#at++] as number);
      this.#headerUsed++;
    }
    const length = lengthIn(this.#header);
    this.#opener.begin(checkForm(kindIn(this.#header), length), length);
    this.#tag = new Uint8Array(TAG_BYTES);
    return true;
  }

  /** Takes ciphertext from the chunk, up to the tag, and decrypts it, except for a short piece that more follows. */
  #decrypt(tagAt: number): void {
    const end = Math.min(this.#at + tagAt - this.#bodyUsed, this.#chunk.length);
    const isLast = this.#bodyUsed + end - this.#at === tagAt;
    while (this.#at < end) {
      const left = end - this.#at;
      if (this.#gatheredUsed === 0 && (isLast || (left >= MIN_PIECE_BYTES && tagAt > WHOLE_BYTES))) {
        this.#opener.add(this.#chunk.subarray(this.#at, end));
        this.#advance(left);
        return;
      }
      // Not zeroed, because every byte is overwritten before it is read.
      this.#gathered ??= Buffer.allocUnsafeSlow(tagAt > WHOLE_BYTES ? MIN_PIECE_BYTES : tagAt);
      const fits = Math.min(left, this.#gathered.length - this.#gatheredUsed);
      this.#gathered.set(this.#chunk.subarray(this.#at, this.#at + fits), this.#gatheredUsed);
      this.#gatheredUsed += fits;
      this.#advance(fits);
      if (this.#gatheredUsed < this.#gathered.length && !(isLast && this.#at === end)) continue;
      this.#opener.add(this.#gathered.subarray(0, this.#gatheredUsed));
      this.#gatheredUsed = 0;
      if (!isLast || this.#at < end) continue;
      freeMemory(this.#gathered);
      this.#gathered = undefined;
    }
  }

  /** Takes ciphertext from the chunk only when there was memory for it: if there is none, the next call tries again. */
  #advance(bytes: number): void {
    this.#at += bytes;
    this.#bodyUsed += bytes;
  }

  #nextOpened(): OpenedPiece {
    const plaintext = this.#opened[this.#openedAt++] as Uint8Array;
    this.#openedBytes -= plaintext.length;
    if (this.#openedBytes === 0) this.#opened = NO_PLAINTEXT;
    return { kind: this.#openedKind, plaintext };
  }

  #forgetChunk(): undefined {
    this.#chunk = NOTHING;
    this.#at = 0;
  }

  #forgetRecord(): void {
    this.#headerUsed = 0;
    this.#bodyUsed = 0;
    this.#gathered = undefined;
    this.#gatheredUsed = 0;
    this.#tag = NOTHING;
  }

  #fail(error: CryptoError): never {
    this.#failure = error;
    this.#forgetChunk();
    this.#forgetRecord();
    this.#opened = NO_PLAINTEXT;
    this.#openedBytes = 0;
    throw error;
  }
}

/** The kind in a header `kind u8 ‖ length u24`, read as one number. */
function kindIn(header: number): number {
  return header >>> 24;
}

function lengthIn(header: number): number {
  return header & 0xff_ffff;
}
