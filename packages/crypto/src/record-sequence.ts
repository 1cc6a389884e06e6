import type { KeyObject } from "node:crypto";
import { CryptoError } from "./crypto-error.js";
import { rekey, type TrafficKeys } from "./key-schedule.js";
import { NONCE_BYTES } from "./nonce-source.js";
import { RECORD_KIND, type RecordKind } from "./record-header.js";

/** Records under one key: even with full-size DATA records, far below GCM's bound (NIST SP 800-38D). */
const REKEY_INTERVAL = 2 ** 20;

/** Records in one direction: their sequence numbers stay under 2^48. */
const RECORD_LIMIT = 2 ** 48;

export interface RecordCipherOptions {
  /** Records until the next key, 1 … 2^48; both sides must use the same. For tests. @default 2^20 */
  readonly rekeyInterval?: number;
  /** Records before IPC_CIPHER_EXHAUSTED, 1 … 2^48. For tests. @default 2^48 */
  readonly recordLimit?: number;
}

/** The nonce that was asked for last. One for all, because a cipher copies it when it is created. */
const nonce = new Uint8Array(NONCE_BYTES);

/** The state of one direction: its key, its sequence number, and the kinds allowed next. Each nonce is issued once. */
export class RecordSequence {
  readonly #rekeyInterval: number;
  readonly #recordLimit: number;
  #keys: TrafficKeys;
  #next = 0;
  #closed = false;

  /** @throws RangeError when an option is not a whole number in its range, or the iv is not 12 bytes. */
  constructor({ key, iv }: TrafficKeys, options: RecordCipherOptions) {
    if (iv.length !== NONCE_BYTES) throw new RangeError(`iv: takes ${NONCE_BYTES} bytes, got ${iv.length}`);
    this.#rekeyInterval = wholeNumber("rekeyInterval", options.rekeyInterval ?? REKEY_INTERVAL);
    this.#recordLimit = wholeNumber("recordLimit", options.recordLimit ?? RECORD_LIMIT);
    // A copy, because an iv changed later could repeat a nonce.
    this.#keys = { key, iv: Uint8Array.from(iv) };
  }

  /** The number of the next record. */
  get next(): number {
    return this.#next;
  }

  /** The key of the record that `advance` began. */
  get key(): KeyObject {
    return this.#keys.key;
  }

  /** The nonce of the record that `advance` began, in memory that every sequence writes its own into when it is asked. */
  get nonce(): Uint8Array {
    writeNonce(nonce, this.#keys.iv, this.#next - 1);
    return nonce;
  }

  /** Returns why a record of this kind is not allowed now, or undefined: AUTH comes first and once, CLOSE last. */
  rejectReason(kind: RecordKind): string | undefined {
    if (this.#closed) return "no record may follow CLOSE";
    if (this.#next === 0) return kind === RECORD_KIND.auth ? undefined : "the first record must be AUTH";
    return kind === RECORD_KIND.auth ? "only the first record may be AUTH" : undefined;
  }

  /**
   * Begins the next record. Its number is used up, whatever happens to the record afterwards.
   * @throws CryptoError IPC_CIPHER_EXHAUSTED
   */
  advance(kind: RecordKind): void {
    const seq = this.#next;
    if (seq >= this.#recordLimit) {
      throw new CryptoError(
        "IPC_CIPHER_EXHAUSTED",
        `cipher exhausted: ${seq} records in this direction, the maximum of a session; reconnect`,
      );
    }
    if (seq > 0 && seq % this.#rekeyInterval === 0) this.#keys = rekey(this.#keys);
    this.#next = seq + 1;
    this.#closed = kind === RECORD_KIND.close;
  }
}

/** Writes `iv XOR (00000000 ‖ seq u64)`. */
export function writeNonce(target: Uint8Array, iv: Uint8Array, seq: number): void {
  target.set(iv);
  xorUint32(target, 4, Math.floor(seq / 2 ** 32));
  xorUint32(target, 8, seq >>> 0);
}

function xorUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = (target[offset] as number) ^ (value >>> 24);
  target[offset + 1] = (target[offset + 1] as number) ^ (value >>> 16);
  target[offset + 2] = (target[offset + 2] as number) ^ (value >>> 8);
  target[offset + 3] = (target[offset + 3] as number) ^ value;
}

function wholeNumber(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= RECORD_LIMIT) return value;
  throw new RangeError(`${name}: takes a whole number of 1 … ${RECORD_LIMIT}, got ${String(value)}`);
}
