import { HEADER_BYTES, NAME_MAX_BYTES } from "../limits.js";
import { codecOf, lengthOf, type Payload } from "./payload.js";

/** The first byte of a frame. */
export const KIND = { call: 1, item: 2, end: 3, credit: 4, cancel: 5, result: 6, error: 7 } as const;

/** Bits of the second byte; its upper half is the codec of the payload. */
export const FLAG = { oneWay: 1, items: 2, meta: 4 } as const;

const META_LENGTH_BYTES = 2;

/**
 * A received frame: kind u8 ‖ flags u8 ‖ nameLength u16 ‖ id u32 ‖ number u32 ‖ name ‖ [ metaLength u16 ‖ meta JSON ] ‖ payload,
 * integers big-endian. `kind` may be unknown.
 */
export interface Frame {
  readonly kind: number;
  /** The lower half of the flags. */
  readonly flags: number;
  readonly codec: number;
  readonly id: number;
  /** CALL: the deadline in milliseconds. CREDIT: the additional bytes. */
  readonly number: number;
  /** CALL: the method. ERROR: the code. Empty if it is longer than 255 bytes: no method has such a name. */
  readonly name: string;
  /** A view into the message, like `payload`; undefined without the flag. */
  readonly meta: Buffer | undefined;
  readonly payload: Buffer;
}

/** The parts of a frame to send; what is left out is 0 or empty. */
export interface FrameParts {
  readonly kind: number;
  readonly flags?: number;
  readonly id: number;
  readonly number?: number;
  readonly name?: Uint8Array;
  readonly meta?: Uint8Array | undefined;
  readonly payload?: Payload;
}

/** Decodes the data of a message. Returns undefined if it is shorter than its header says. */
export function decodeFrame(data: Uint8Array): Frame | undefined {
  if (data.length < HEADER_BYTES) return undefined;
  const flags = data[1] as number;
  const nameLength = uint16(data, 2);
  let at = HEADER_BYTES + nameLength;
  if (at > data.length) return undefined;
  const name = nameLength === 0 || nameLength > NAME_MAX_BYTES ? "" : view(data, HEADER_BYTES, at).toString();
  let meta: Buffer | undefined;
  if ((flags & FLAG.meta) !== 0) {
    if (at + META_LENGTH_BYTES > data.length) return undefined;
    const from = at + META_LENGTH_BYTES;
    at = from + uint16(data, at);
    if (at > data.length) return undefined;
    meta = view(data, from, at);
  }
  return {
    kind: data[0] as number,
    flags: flags & 0x0f,
    codec: flags >> 4,
    id: uint16(data, 4) * 0x1_0000 + uint16(data, 6),
    number: uint16(data, 8) * 0x1_0000 + uint16(data, 10),
    name,
    meta,
    payload: view(data, at, data.length),
  };
}

/** Encodes a frame into memory of its own. */
export function encodeFrame({ kind, flags = 0, id, number = 0, name, meta, payload }: FrameParts): Buffer {
  const nameLength = name === undefined ? 0 : name.length;
  const metaLength = meta === undefined ? 0 : META_LENGTH_BYTES + meta.length;
  const payloadLength = lengthOf(payload);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + nameLength + metaLength + payloadLength);
  bytes[0] = kind;
  bytes[1] = flags | (meta === undefined ? 0 : FLAG.meta) | (codecOf(payload) << 4);
  bytes.writeUInt16BE(nameLength, 2);
  bytes.writeUInt32BE(id, 4);
  bytes.writeUInt32BE(number, 8);
  if (name !== undefined) bytes.set(name, HEADER_BYTES);
  const at = HEADER_BYTES + nameLength;
  if (meta !== undefined) {
    bytes.writeUInt16BE(meta.length, at);
    bytes.set(meta, at + META_LENGTH_BYTES);
  }
  if (typeof payload === "string") bytes.write(payload, at + metaLength);
  else if (payload !== undefined) bytes.set(payload, at + metaLength);
  return bytes;
}

function uint16(data: Uint8Array, at: number): number {
  return ((data[at] as number) << 8) | (data[at + 1] as number);
}

/** One for each part that is needed, because a view costs as much as the rest of a short frame. */
function view(data: Uint8Array, from: number, to: number): Buffer {
  return Buffer.from(data.buffer, data.byteOffset + from, to - from);
}

/** Writes another deadline or amount into an encoded frame. */
export function setNumber(frame: Buffer, number: number): void {
  frame.writeUInt32BE(number, 8);
}
