import { createDecipheriv } from "node:crypto";
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

/**
 * Opens the records of one direction, each exactly once and in the order in which they were sealed: a record that was altered,
 * repeated, reordered or reflected, follows an omitted one, or belongs to another session is rejected.
 *
 * An error is final: every later call throws the same error again, and the connection must be ended.
 */
export class RecordOpener {
  readonly #sequence: RecordSequence;
  readonly #header = new Uint8Array(RECORD_HEADER_BYTES);
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
  open(record: SealedRecord): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#open(record);
    } catch (error) {
      if (error instanceof CryptoError) this.#failure = error;
      throw error;
    }
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

  #open({ kind, sealed }: SealedRecord): Uint8Array {
    checkForm(kind, sealed.length);
    const rejectReason = this.#sequence.rejectReason(kind);
    if (rejectReason !== undefined) {
      throw new CryptoError(
        "IPC_RECORD_INVALID",
        `unexpected record: record ${this.#sequence.next} is of kind ${nameOf(kind)}, but ${rejectReason}; end this connection`,
      );
    }
    this.#sequence.advance(kind);
    const { key, nonce } = this.#sequence;
    const tagAt = sealed.length - TAG_BYTES;
    writeHeader(this.#header, 0, kind, sealed.length);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#header).setAuthTag(sealed.subarray(tagAt));
    const plaintext = decipher.update(sealed.subarray(0, tagAt));
    try {
      decipher.final();
    } catch (cause) {
      refuse(kind, sealed.length, cause);
    }
    if (kind === RECORD_KIND.close) this.#closed = true;
    return plaintext;
  }
}

/** The keys depend on the whole handshake and on the pre-shared key, so a difference shows at the first tag. */
function refuse(kind: RecordKind, bytes: number, cause: unknown): never {
  if (kind === RECORD_KIND.auth) {
    throw new CryptoError(
      "IPC_AUTHENTICATION_FAILED",
      `authentication failed: invalid tag of the peer's AUTH of ${bytes} bytes, because the keys differ or the handshake was altered; give both sides the same pre-shared key`,
      { cause },
    );
  }
  throw new CryptoError(
    "IPC_DECRYPTION_FAILED",
    `decryption failed: invalid tag of a record of kind ${nameOf(kind)} and ${bytes} bytes, which was altered or is not the next record of this session; end this connection`,
    { cause },
  );
}
