/** The kinds of message of a connection over a broker. */
export const FRAME = {
  /** Bytes of the stream. */
  data: 1,
  /** u32: so many bytes of the window are free again. */
  taken: 2,
  end: 3,
  reset: 4,
  /** Says how many messages there were, when nothing else does. */
  ping: 5,
  /** A server's first one, u32: its window. */
  accept: 6,
  /** u32: the window of the sender of this message is so much larger. */
  grown: 7,
  /** u32: the sender of this message gives back so much of the other side's window. */
  shrunk: 8,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Size of `type u8 ‖ n u32`, big-endian. */
export const HEAD_BYTES = 5;
/** Size of the only payload of a message that is not data: a u32. */
const COUNT_BYTES = 4;

/**
 * Encodes `type u8 ‖ n u32 ‖ payload`.
 * @param sequence how many messages other than pings the sender has sent on this connection before, modulo 2^32
 */
export function encodeFrame(type: FrameType, sequence: number, payload?: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + (payload?.length ?? 0));
  frame[0] = type;
  frame.writeUInt32BE(sequence, 1);
  if (payload !== undefined) frame.set(payload, HEAD_BYTES);
  return frame;
}

/** Encodes a number of bytes: the payload of all messages with one but data, and the whole request of a client. */
export function encodeCount(bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(COUNT_BYTES);
  payload.writeUInt32BE(bytes);
  return payload;
}

/** Decodes a number of bytes; -1 for a payload of another size. */
export function decodeCount(payload: Uint8Array): number {
  return payload.length === COUNT_BYTES ? viewOf(payload).readUInt32BE() : -1;
}

/** Returns the same memory as a Buffer, for its methods. */
export function viewOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.length);
}
