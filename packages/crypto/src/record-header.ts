import { CryptoError } from "./crypto-error.js";
import { TAG_BYTES } from "./message-cipher.js";

/** Bytes before a record's ciphertext: `kind u8 ‖ length u24`. */
export const RECORD_HEADER_BYTES = 4;

/** What sealing a record adds to its plaintext: `header(4)` before and `tag(16)` behind. */
export const RECORD_OVERHEAD_BYTES: number = RECORD_HEADER_BYTES + TAG_BYTES;

/** The most that one DATA record holds, in bytes of plaintext. */
export const RECORD_DATA_MAX_BYTES = 262_144;

/** What a record is: a side's first one, a piece of the frame stream, or the end of its direction. */
export const RECORD_KIND = { auth: 1, data: 2, close: 3 } as const;

export type RecordKind = (typeof RECORD_KIND)[keyof typeof RECORD_KIND];

/** What stands before a record's ciphertext. */
export interface RecordHeader {
  readonly kind: RecordKind;
  /** Bytes of `ciphertext ‖ tag(16)` that follow. */
  readonly length: number;
}

/** Each kind's name in messages, and the bytes of plaintext that it may hold. An AUTH's length is at most 512 with its tag. */
const FORMS: Readonly<Record<RecordKind, { readonly name: string; readonly min: number; readonly max: number }>> = {
  [RECORD_KIND.auth]: { name: "AUTH", min: 0, max: 512 - TAG_BYTES },
  // An empty one would cost its receiver a cipher call and say nothing.
  [RECORD_KIND.data]: { name: "DATA", min: 1, max: RECORD_DATA_MAX_BYTES },
  [RECORD_KIND.close]: { name: "CLOSE", min: 0, max: 0 },
};

/** Gives a kind's name for messages. */
export function nameOf(kind: RecordKind): string {
  return FORMS[kind].name;
}

/**
 * Decodes and checks a record's header: after it, `length` bytes may be waited for.
 * @param header 4 bytes
 * @param expected the only kind that may come now
 * @throws CryptoError IPC_RECORD_INVALID when kind or length is not allowed. RangeError when it is not 4 bytes.
 */
export function decodeRecordHeader(header: Uint8Array, expected?: RecordKind): RecordHeader {
  if (header.length !== RECORD_HEADER_BYTES)
    throw new RangeError(`header: takes ${RECORD_HEADER_BYTES} bytes, got ${header.length}`);
  const length = readLength(header, 0);
  const kind = checkForm(header[0] as number, length);
  if (expected !== undefined && kind !== expected) {
    throw new CryptoError(
      "IPC_RECORD_INVALID",
      `a record of kind ${kind} (${nameOf(kind)}) came where ${nameOf(expected)} is expected; end this connection`,
    );
  }
  return { kind, length };
}

/** Writes the header of a record with `length` bytes of ciphertext and tag. */
export function writeHeader(target: Uint8Array, offset: number, kind: RecordKind, length: number): void {
  target[offset] = kind;
  target[offset + 1] = length >>> 16;
  target[offset + 2] = length >>> 8;
  target[offset + 3] = length;
}

/** Reads the length out of the header at `offset`. */
export function readLength(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset + 1] as number) << 16) | ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number);
}

/**
 * Checks what a header says, and returns its kind.
 * @throws CryptoError IPC_RECORD_INVALID
 */
export function checkForm(kind: number, length: number): RecordKind {
  switch (kind) {
    case RECORD_KIND.auth:
    case RECORD_KIND.data:
    case RECORD_KIND.close: {
      const { name, min, max } = FORMS[kind];
      if (length - TAG_BYTES >= min && length - TAG_BYTES <= max) return kind;
      throw new CryptoError(
        "IPC_RECORD_INVALID",
        `a record of kind ${name} has a length of ${length} bytes, ${min + TAG_BYTES} … ${max + TAG_BYTES} are allowed; end this connection`,
      );
    }
    default:
      throw new CryptoError(
        "IPC_RECORD_INVALID",
        `a record of kind ${kind} came, 1 (AUTH), 2 (DATA) or 3 (CLOSE) is expected; the peer does not speak this protocol`,
      );
  }
}

/**
 * Checks what is about to be sealed.
 * @throws RangeError when a record of this kind does not hold so many bytes.
 */
export function assertPlaintextFits(kind: RecordKind, bytes: number): void {
  const { name, min, max } = FORMS[kind];
  if (bytes < min || bytes > max)
    throw new RangeError(`chunks: a record of kind ${name} takes ${min} … ${max} bytes, got ${bytes}`);
}
