import { assertType, TYPE_BYTES } from "./message-body.js";
import { UINT32_BYTES, writeUint32 } from "./uint32.js";

/** Bytes of the length that starts each frame. */
export const LENGTH_BYTES: number = UINT32_BYTES;

/** Bytes that stand before the data of an unencrypted message: `length(4) ‖ type(4)`. */
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

/** Writes the eight bytes before `dataLength` bytes of data: for writers that gather many frames in one buffer. */
export function writeMessageHeader(target: Uint8Array, offset: number, type: number, dataLength: number): void {
  writeUint32(target, offset, TYPE_BYTES + dataLength);
  writeUint32(target, offset + LENGTH_BYTES, type);
}
