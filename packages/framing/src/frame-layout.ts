import { FrameError } from "./frame-error.js";

/** Bytes of every integer on the wire: u32, big-endian. */
export const UINT32_BYTES = 4;

/** The largest u32, 4 294 967 295. */
export const UINT32_MAX = 0xffff_ffff;

/** Reads the u32 at `offset`; the caller ensures that four bytes are there. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  const high = bytes[offset] as number;
  // `<<` is signed; multiplying keeps values from 2^31 up positive.
  return (
    high * 0x100_0000 +
    (((bytes[offset + 1] as number) << 16) | ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number))
  );
}

/** Writes `value` (0 … 2^32-1) at `offset`. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Bytes of the type at the start of each body. */
export const TYPE_BYTES = 4;

/** A decoded body. */
export interface MessageBody {
  /** u32; 0 is reserved for control frames. */
  readonly type: number;
  /** A view into the body, always a plain Uint8Array. */
  readonly data: Uint8Array;
}

/**
 * Encodes a body: `type(4) ‖ data(n)`.
 * @throws RangeError when `type` is not a whole number of 0 … 2^32-1.
 * @see golang-ipc actor.go, `write`
 */
export function encodeBody(type: number, data: Uint8Array): Uint8Array {
  assertType(type);
  const body = new Uint8Array(TYPE_BYTES + data.length);
  writeUint32(body, 0, type);
  body.set(data, TYPE_BYTES);
  return body;
}

/**
 * Decodes a body without copying: `data` is a view into `body`.
 * @throws FrameError IPC_FRAME_TOO_SHORT when the body is shorter than a type.
 * @see golang-ipc actor.go, `read`
 */
export function decodeBody(body: Uint8Array): MessageBody {
  if (body.length < TYPE_BYTES) {
    throw new FrameError(
      "IPC_FRAME_TOO_SHORT",
      `frame too short: body of ${body.length} bytes, its type needs ${TYPE_BYTES}; end this connection`,
    );
  }
  // Not `subarray`: that of a Buffer is a Buffer, whose `toString` differs.
  const data = new Uint8Array(body.buffer, body.byteOffset + TYPE_BYTES, body.length - TYPE_BYTES);
  return { type: readUint32(body, 0), data };
}

/** @throws RangeError when `type` is not a whole number of 0 … 2^32-1. */
export function assertType(type: number): void {
  if (!(Number.isInteger(type) && type >= 0 && type <= UINT32_MAX)) {
    throw new RangeError(`type: takes a whole number of 0 … ${UINT32_MAX}, got ${String(type)}`);
  }
}

/** Bytes of the length at the start of each frame. */
export const LENGTH_BYTES = 4;

/** Bytes before the data of an unencrypted message: `length(4) ‖ type(4)`. */
export const MESSAGE_HEADER_BYTES: number = LENGTH_BYTES + TYPE_BYTES;

/** Encodes one frame, `length(4) ‖ body(n)`, into memory of its own. */
export function encodeFrame(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_BYTES + body.length);
  writeUint32(frame, 0, body.length);
  frame.set(body, LENGTH_BYTES);
  return frame;
}

/**
 * Encodes one unencrypted message as a frame, `length(4) ‖ type(4) ‖ data(n)`, into memory of its own.
 * @throws RangeError when `type` is not a whole number of 0 … 2^32-1.
 */
export function encodeMessage(type: number, data: Uint8Array): Uint8Array {
  assertType(type);
  const frame = new Uint8Array(MESSAGE_HEADER_BYTES + data.length);
  writeMessageHeader(frame, 0, type, data.length);
  frame.set(data, MESSAGE_HEADER_BYTES);
  return frame;
}

/** Writes the eight bytes before `dataLength` bytes of data, for writers that collect many frames in one buffer. */
export function writeMessageHeader(target: Uint8Array, offset: number, type: number, dataLength: number): void {
  writeUint32(target, offset, TYPE_BYTES + dataLength);
  writeUint32(target, offset + LENGTH_BYTES, type);
}
