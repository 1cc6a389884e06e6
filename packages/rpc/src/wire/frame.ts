import { HEADER_BYTES, NAME_MAX_BYTES } from "../limits.js";
import { codecOf, lengthOf, type Payload, textOf, writeText } from "./payload.js";

/** The first byte of a frame. */
export const KIND = { call: 1, item: 2, end: 3, credit: 4, cancel: 5, result: 6, error: 7 } as const;

/** Bits of the second byte; its upper half is the codec of the payload. */
export const FLAG = { oneWay: 1, items: 2, meta: 4 } as const;

const META_LENGTH_BYTES = 2;

/**
 * A received frame: kind u8 ‖ flags u8 ‖ nameLength u16 ‖ id u32 ‖ number u32 ‖ name ‖ [ metaLength u16 ‖ meta JSON ] ‖ payload,
 * integers big-endian. `kind` may be unknown.
 */
export class Frame {
  readonly kind: number;
  /** The lower half of the flags. */
  readonly flags: number;
  readonly codec: number;
  readonly id: number;
  /** CALL: the deadline in milliseconds. CREDIT: the additional bytes. */
  readonly number: number;
  /** CALL: the method. ERROR: the code. Empty if it is longer than 255 bytes: no method has such a name. */
  readonly name: string;
  /** The message that the frame is the data of. Its payload begins at `payloadAt`. */
  readonly data: Uint8Array;
  readonly payloadAt: number;
  readonly #metaAt: number;

  /** @param metaAt equals `payloadAt` without a meta */
  constructor(data: Uint8Array, name: string, metaAt: number, payloadAt: number) {
    const flags = data[1] as number;
    this.kind = data[0] as number;
    this.flags = flags & 0x0f;
    this.codec = flags >> 4;
    this.id = uint16(data, 4) * 0x1_0000 + uint16(data, 6);
    this.number = uint16(data, 8) * 0x1_0000 + uint16(data, 10);
    this.name = name;
    this.data = data;
    this.payloadAt = payloadAt;
    this.#metaAt = metaAt;
  }

  get payloadLength(): number {
    return this.data.length - this.payloadAt;
  }

  /** A view into the message, like `meta`: made when asked for, because it costs as much as the rest of a short frame. */
  get payload(): Buffer {
    return view(this.data, this.payloadAt, this.data.length);
  }

  /** Undefined without the flag. */
  get meta(): Buffer | undefined {
    if ((this.flags & FLAG.meta) === 0) return undefined;
    return view(this.data, this.#metaAt, this.payloadAt);
  }
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
  const nameLength = uint16(data, 2);
  const metaAt = HEADER_BYTES + nameLength;
  if (metaAt > data.length) return undefined;
  const name = nameLength === 0 || nameLength > NAME_MAX_BYTES ? "" : nameOf(data, metaAt);
  if (((data[1] as number) & FLAG.meta) === 0) return new Frame(data, name, metaAt, metaAt);
  const from = metaAt + META_LENGTH_BYTES;
  if (from > data.length) return undefined;
  const payloadAt = from + uint16(data, metaAt);
  return payloadAt > data.length ? undefined : new Frame(data, name, from, payloadAt);
}

interface KnownName {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** Names that were decoded last, at most one for each place: a peer calls few methods, and to compare bytes costs less than to decode. */
const knownNames: (KnownName | undefined)[] = new Array(64).fill(undefined);

/** Decodes the name of a frame, which ends at `end`. */
function nameOf(data: Uint8Array, end: number): string {
  const place = (end * 31 + (data[end - 1] as number)) % knownNames.length;
  const known = knownNames[place];
  if (known !== undefined && isNamed(data, end, known.bytes)) return known.name;
  const name = textOf(data, HEADER_BYTES, end);
  knownNames[place] = { name, bytes: new Uint8Array(data.subarray(HEADER_BYTES, end)) };
  return name;
}

function isNamed(data: Uint8Array, end: number, name: Uint8Array): boolean {
  if (name.length !== end - HEADER_BYTES) return false;
  for (let at = 0; at < name.length; at++) if (name[at] !== data[HEADER_BYTES + at]) return false;
  return true;
}

/** A view of each length into the same memory, in which short frames are encoded. */
const shortFrames: (Buffer | undefined)[] = new Array(257).fill(undefined);
const shortMemory = new ArrayBuffer(shortFrames.length - 1);

/**
 * Encodes a frame that is written at once, before any foreign code runs: a short one into memory that the next one uses again. A peer copies
 * short data before its `write` returns.
 */
export function encodePassingFrame(parts: FrameParts): Buffer {
  return encodeFrame(parts, passingMemory);
}

function ownMemory(length: number): Buffer {
  return Buffer.allocUnsafe(length);
}

function passingMemory(length: number): Buffer {
  if (length >= shortFrames.length) return ownMemory(length);
  shortFrames[length] ??= Buffer.from(shortMemory, 0, length);
  return shortFrames[length];
}

/** Encodes a frame. The lengths of `name` and `meta` were checked before. @param memoryOf by default memory that may be part of Buffer's pool */
export function encodeFrame(
  { kind, flags = 0, id, number = 0, name, meta, payload }: FrameParts,
  memoryOf: (bytes: number) => Buffer = ownMemory,
): Buffer {
  const nameLength = name === undefined ? 0 : name.length;
  const metaLength = meta === undefined ? 0 : META_LENGTH_BYTES + meta.length;
  const payloadLength = lengthOf(payload);
  const bytes = memoryOf(HEADER_BYTES + nameLength + metaLength + payloadLength);
  bytes[0] = kind;
  bytes[1] = flags | (meta === undefined ? 0 : FLAG.meta) | (codecOf(payload) << 4);
  writeUint16(bytes, 2, nameLength);
  writeUint32(bytes, 4, id);
  writeUint32(bytes, 8, number);
  // A call of `set` costs more than a short name.
  for (let from = 0; from < nameLength; from++) bytes[HEADER_BYTES + from] = (name as Uint8Array)[from] as number;
  const at = HEADER_BYTES + nameLength;
  if (meta !== undefined) {
    writeUint16(bytes, at, meta.length);
    bytes.set(meta, at + META_LENGTH_BYTES);
  }
  if (typeof payload === "string") writeText(bytes, payload, at + metaLength);
  else if (payload !== undefined) bytes.set(payload, at + metaLength);
  return bytes;
}

function uint16(data: Uint8Array, at: number): number {
  return ((data[at] as number) << 8) | (data[at + 1] as number);
}

/** Without the checks of Buffer's methods, which cost as much as the writing. */
function writeUint16(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function writeUint32(bytes: Buffer, at: number, value: number): void {
  writeUint16(bytes, at, value >>> 16);
  writeUint16(bytes, at + 2, value);
}

function view(data: Uint8Array, from: number, to: number): Buffer {
  return Buffer.from(data.buffer, data.byteOffset + from, to - from);
}

/** Writes another deadline or amount into an encoded frame. */
export function setNumber(frame: Buffer, number: number): void {
  writeUint32(frame, 8, number);
}
