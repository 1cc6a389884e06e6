import { type CipherGCM, createCipheriv, type KeyObject } from "node:crypto";
import { freeMemory } from "./free-memory.js";
import type { TrafficKeys } from "./key-schedule.js";
import { TAG_BYTES } from "./message-cipher.js";
import {
  assertPlaintextFits,
  RECORD_HEADER_BYTES,
  RECORD_OVERHEAD_BYTES,
  type RecordKind,
  writeHeader,
} from "./record-header.js";
import { type RecordCipherOptions, RecordSequence } from "./record-sequence.js";

/** Keys that already have a sealer: a second one would start again at number 0 and use each nonce twice. */
const taken = new WeakSet<KeyObject>();

/** The header of the record that is being sealed. One for all, because a record is sealed in one go. */
const recordHeader = new Uint8Array(RECORD_HEADER_BYTES);

/**
 * Seals the records of one direction: `kind u8 ‖ length u24 ‖ AES-256-GCM ciphertext ‖ tag(16)`. The first four bytes are the
 * associated data; the nonce is counted and never sent.
 *
 * The first record must be AUTH, and no other may be; nothing follows CLOSE. A plaintext may come in chunks, which are sealed
 * as if joined: DATA takes 1 … 262 144 bytes, AUTH up to 496, CLOSE none. Records must be sent in the order of sealing.
 */
export class RecordSealer {
  readonly #sequence: RecordSequence;

  /** @throws TypeError when a sealer was created from these keys before. RangeError when an option is out of its range. */
  constructor(keys: TrafficKeys, options: RecordCipherOptions = {}) {
    if (taken.has(keys.key)) throw new TypeError("keys: already used by another sealer; derive new keys");
    this.#sequence = new RecordSequence(keys, options);
    taken.add(keys.key);
  }

  /**
   * Seals a record into memory of its own.
   * @throws RangeError when this kind is not allowed now or cannot hold that many bytes; CryptoError IPC_CIPHER_EXHAUSTED
   */
  seal(kind: RecordKind, chunks: readonly Uint8Array[] = []): Uint8Array {
    const length = lengthOf(chunks);
    assertPlaintextFits(kind, length);
    const record = Buffer.allocUnsafeSlow(RECORD_OVERHEAD_BYTES + length);
    this.sealInto(record, 0, kind, chunks);
    return record;
  }

  /**
   * Seals a record into `target` at `offset`, which needs room for the plaintext and 20 bytes more, and returns the number of
   * bytes written. The plaintext may already be in `target` at the place of its ciphertext: 4 bytes after `offset`.
   * @throws RangeError when this kind is not allowed now or cannot hold that many bytes, or when there is no room; CryptoError
   * IPC_CIPHER_EXHAUSTED
   */
  sealInto(target: Uint8Array, offset: number, kind: RecordKind, chunks: readonly Uint8Array[]): number {
    const length = lengthOf(chunks);
    const bytes = RECORD_OVERHEAD_BYTES + length;
    if (!(offset >= 0 && offset + bytes <= target.length))
      throw new RangeError(`target: needs ${bytes} bytes from ${offset} on, has ${target.length} bytes`);
    const cipher = this.#begin(recordHeader, kind, length);
    target.set(recordHeader, offset);
    let at = offset + RECORD_HEADER_BYTES;
    for (const chunk of chunks) {
      // GCM returns as many bytes as it takes, so each chunk is written to its final place at once.
      const ciphertext = cipher.update(chunk);
      target.set(ciphertext, at);
      freeMemory(ciphertext);
      at += chunk.length;
    }
    cipher.final();
    target.set(cipher.getAuthTag(), at);
    return bytes;
  }

  /**
   * Seals a record as parts to be written in order, in memory of their own: one copy fewer than `seal`, which pays off for
   * large records.
   * @throws RangeError when this kind is not allowed now or cannot hold that many bytes; CryptoError IPC_CIPHER_EXHAUSTED
   */
  sealParts(kind: RecordKind, chunks: readonly Uint8Array[]): Uint8Array[] {
    const header = new Uint8Array(RECORD_HEADER_BYTES);
    const cipher = this.#begin(header, kind, lengthOf(chunks));
    const parts: Uint8Array[] = [header];
    for (const chunk of chunks) parts.push(cipher.update(chunk));
    cipher.final();
    parts.push(cipher.getAuthTag());
    return parts;
  }

  /** Checks everything, then uses up a sequence number: if a later step fails, its nonce is never used again. */
  #begin(header: Uint8Array, kind: RecordKind, length: number): CipherGCM {
    assertPlaintextFits(kind, length);
    const rejectReason = this.#sequence.rejectReason(kind);
    if (rejectReason !== undefined)
      throw new RangeError(`kind: got ${kind} for record ${this.#sequence.next}, but ${rejectReason}`);
    this.#sequence.advance(kind);
    writeHeader(header, 0, kind, length + TAG_BYTES);
    const { key, nonce } = this.#sequence;
    return createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(header);
  }
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  return length;
}
