import { createDecipheriv, type DecipherGCM } from "node:crypto";
import { CryptoError } from "./crypto-error.js";
import type { TrafficKeys } from "./key-schedule.js";
import { TAG_BYTES } from "./message-cipher.js";
import { checkForm, nameOf, RECORD_HEADER_BYTES, RECORD_KIND, type RecordKind, writeHeader } from "./record-header.js";
import { type RecordCipherOptions, RecordSequence } from "./record-sequence.js";

/** A received record, without its header. */
export interface SealedRecord {
  readonly kind: RecordKind;
  /** `ciphertext(n) ‖ tag(16)` */
  readonly sealed: Uint8Array;
}

/** A record whose tag has not been verified yet. */
interface BegunRecord {
  readonly kind: RecordKind;
  /** Bytes of ciphertext and tag. */
  readonly length: number;
  readonly decipher: DecipherGCM;
  /** The plaintext so far. */
  readonly pieces: Uint8Array[];
}

/** The header of the record that was begun last. One for all, because a cipher copies it. */
const recordHeader = new Uint8Array(RECORD_HEADER_BYTES);

/**
 * Opens the records of one direction, each exactly once and in the order in which they were sealed: a record that was altered,
 * repeated, reordered or reflected, follows an omitted one, or belongs to another session is rejected. No plaintext leaves the
 * opener before its record's tag is verified.
 *
 * An error is final: every later call throws the same error again, and the connection must be ended.
 */
export class RecordOpener {
  readonly #sequence: RecordSequence;
  #record: BegunRecord | undefined;
  #closed = false;
  #failure: CryptoError | undefined;

  /** @throws RangeError when an option is out of its range. */
  constructor(keys: TrafficKeys, options: RecordCipherOptions = {}) {
    this.#sequence = new RecordSequence(keys, options);
  }

  /** Whether the peer has ended its direction: an authentic CLOSE was opened. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Opens the next record and returns its plaintext, in memory of its own.
   * @throws CryptoError IPC_RECORD_INVALID when its kind or length is not allowed now; IPC_AUTHENTICATION_FAILED when the tag
   * of an AUTH is wrong, which is how different keys show; IPC_DECRYPTION_FAILED when the tag of another record is;
   * IPC_CIPHER_EXHAUSTED
   */
  open({ kind, sealed }: SealedRecord): Uint8Array {
    this.begin(kind, sealed.length);
    const tagAt = sealed.length - TAG_BYTES;
    if (tagAt > 0) this.add(sealed.subarray(0, tagAt));
    return this.finish(sealed.subarray(tagAt))[0] ?? new Uint8Array(0);
  }

  /**
   * Begins the next record, which arrives in pieces: then comes `add` for each piece of its ciphertext, and `finish`.
   * @param length bytes of ciphertext and tag
   * @throws CryptoError IPC_RECORD_INVALID when its kind or length is not allowed now; IPC_CIPHER_EXHAUSTED
   */
  begin(kind: RecordKind, length: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#record = this.#begin(kind, length);
    } catch (error) {
      if (error instanceof CryptoError) this.#failure = error;
      throw error;
    }
  }

  /** Decrypts the next piece of the ciphertext into memory of its own, and keeps it. Call `begin` first. */
  add(ciphertext: Uint8Array): void {
    const { decipher, pieces } = this.#begun();
    pieces.push(decipher.update(ciphertext));
  }

  /**
   * Verifies the tag and returns the plaintext, one array for each `add`. If the tag is wrong, the plaintext is wiped.
   * @param tag 16 bytes
   * @throws CryptoError IPC_AUTHENTICATION_FAILED of an AUTH, IPC_DECRYPTION_FAILED of another record
   */
  finish(tag: Uint8Array): readonly Uint8Array[] {
    const { kind, length, decipher, pieces } = this.#begun();
    this.#record = undefined;
    decipher.setAuthTag(tag);
    try {
      decipher.final();
    } catch (cause) {
      for (const piece of pieces) piece.fill(0);
      this.#failure = tagError(kind, length, cause);
      throw this.#failure;
    }
    if (kind === RECORD_KIND.close) this.#closed = true;
    return pieces;
  }

  /**
   * Reports the end of the stream.
   * @throws CryptoError IPC_RECORD_TRUNCATED when no CLOSE came before: the peer's last records may have been cut off.
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) return;
    this.#failure = new CryptoError(
      "IPC_RECORD_TRUNCATED",
      `stream truncated: end after ${this.#sequence.next} records without CLOSE; the peer's last messages may be missing`,
    );
    throw this.#failure;
  }

  #begin(kind: RecordKind, length: number): BegunRecord {
    checkForm(kind, length);
    const rejectReason = this.#sequence.rejectReason(kind);
    if (rejectReason !== undefined) {
      throw new CryptoError(
        "IPC_RECORD_INVALID",
        `unexpected record: record ${this.#sequence.next} is of kind ${nameOf(kind)}, but ${rejectReason}; end this connection`,
      );
    }
    this.#sequence.advance(kind);
    const { key, nonce } = this.#sequence;
    writeHeader(recordHeader, 0, kind, length);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(recordHeader);
    return { kind, length, decipher, pieces: [] };
  }

  #begun(): BegunRecord {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#record === undefined) throw new Error("a record is begun before its bytes are added");
    return this.#record;
  }
}

/** The keys depend on the whole handshake and on the pre-shared key, so a difference shows at the first tag. */
function tagError(kind: RecordKind, bytes: number, cause: unknown): CryptoError {
  if (kind === RECORD_KIND.auth) {
    return new CryptoError(
      "IPC_AUTHENTICATION_FAILED",
      `authentication failed: invalid tag of the peer's AUTH of ${bytes} bytes, because the keys differ or the handshake was altered; give both sides the same pre-shared key`,
      { cause },
    );
  }
  return new CryptoError(
    "IPC_DECRYPTION_FAILED",
    `decryption failed: invalid tag of a record of kind ${nameOf(kind)} and ${bytes} bytes, which was altered or is not the next record of this session; end this connection`,
    { cause },
  );
}
