import { CryptoError } from "./crypto-error.js";
import { TAG_BYTES } from "./message-cipher.js";

/** Bytes before a record's ciphertext: `kind u8 ‖ length u24`. */
export const RECORD_HEADER_BYTES = 4;

/** Bytes that sealing adds to a record's plaintext: `header(4)` before and `tag(16)` after. */
export const RECORD_OVERHEAD_BYTES: number = RECORD_HEADER_BYTES + TAG_BYTES;

/** Maximum plaintext of one DATA record, in bytes. */
export const RECORD_DATA_MAX_BYTES = 262_144;

/** The kind of a record: a side's first one, a piece of the frame stream, or the end of its direction. */
export const RECORD_KIND = { auth: 1, data: 2, close: 3 } as const;

export type RecordKind = (typeof RECORD_KIND)[keyof typeof RECORD_KIND];

/** The decoded header of a record. */
export interface RecordHeader {
  readonly kind: RecordKind;
  /** Bytes of `ciphertext ‖ tag(16)` that follow. */
  readonly length: number;
}

/** The name of each kind in messages, and the plaintext bytes it may hold. An AUTH has at most 512 bytes with its tag. */
const FORMS: Readonly<Record<RecordKind, { readonly name: string; readonly min: number; readonly max: number }>> = {
  [RECORD_KIND.auth]: { name: "AUTH", min: 0, max: 512 - TAG_BYTES },
  // An empty DATA record would cost its receiver a cipher call and carry nothing.
  [RECORD_KIND.data]: { name: "DATA", min: 1, max: RECORD_DATA_MAX_BYTES },
  [RECORD_KIND.close]: { name: "CLOSE", min: 0, max: 0 },
};

/** Returns a kind's name for messages. */
export function nameOf(kind: RecordKind): string {
  return FORMS[kind].name;
}

/**
 * Decodes and checks a record's header; the caller may then wait for `length` more bytes.
 * @param header 4 bytes
 * @param expected the only kind allowed now
 * @throws CryptoError IPC_RECORD_INVALID when kind or length is not allowed. RangeError when `header` is not 4 bytes.
 */
export function decodeRecordHeader(header: Uint8Array, expected?: RecordKind): RecordHeader {
  if (header.length !== RECORD_HEADER_BYTES)
    throw new RangeError(`header: takes ${RECORD_HEADER_BYTES} bytes, got ${header.length}`);
  const length = readLength(header, 0);
  const kind = checkForm(header[0] as number, length);
  if (expected !== undefined && kind !== expected) {
    throw new CryptoError(
      "IPC_RECORD_INVALID",
      `unexpected record: kind ${kind} (${nameOf(kind)}), expected ${nameOf(expected)}; end this connection`,
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

/** Reads the length from the header at `offset`. */
export function readLength(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset + 1] as number) << 16) | ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number);
}

/**
 * Checks the kind and the length of a header, and returns the kind.
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
        `invalid record length: ${length} bytes for kind ${name}, expected ${min + TAG_BYTES} … ${max + TAG_BYTES}; end this connection`,
      );
    }
    default:
      throw new CryptoError(
        "IPC_RECORD_INVALID",
        `unknown record kind: ${kind}, expected 1 (AUTH), 2 (DATA) or 3 (CLOSE); the peer does not speak this protocol`,
      );
  }
}

/**
 * Checks the length of a plaintext before it is sealed.
 * @throws RangeError when a record of this kind cannot hold that many bytes.
 */
export function assertPlaintextFits(kind: RecordKind, bytes: number): void {
  const { name, min, max } = FORMS[kind];
  if (bytes < min || bytes > max)
    throw new RangeError(`chunks: a record of kind ${name} takes ${min} … ${max} bytes, got ${bytes}`);
}
