import { createHash } from "node:crypto";

export type Side = "server" | "client";

/** The fields of a message. */
export interface Numbered {
  readonly seed: number;
  readonly from: Side;
  /** Which of its sender's connections it was written to, from 0 on. */
  readonly connection: number;
  /** Its place on that connection, from 0 on. */
  readonly number: number;
  /** ask: everything was sent before. answer: everything was, and the ask of the other side's `connection` was heard. */
  readonly kind: "data" | "ask" | "answer";
  /** answer: whose ask. */
  readonly asked: number;
}

const KINDS = ["data", "ask", "answer"] as const;
const CHECKSUM_BYTES = 16;
const FIELD_BYTES = 20;

/** `seed u32 ‖ connection u32 ‖ number u32 ‖ asked u32 ‖ from u8 ‖ kind u8 ‖ 0 u16 ‖ checksum(16)`. */
export const NUMBERED_HEADER_BYTES: number = FIELD_BYTES + CHECKSUM_BYTES;

/** A message that differs from every message that was written. */
export class BadMessage extends Error {
  override readonly name = "BadMessage";
}

/** The type that goes with a number: it is protected too, so a wrong one must be noticed. */
export function typeOf(number: number): number {
  return ((Math.imul(number, 2_654_435_761) >>> 0) % 0xffff_ffff) + 1;
}

/** Encodes to `size` bytes, at least those of the header. */
export function encodeNumbered(message: Numbered, size: number = NUMBERED_HEADER_BYTES): Uint8Array {
  const bytes = Buffer.allocUnsafe(Math.max(size, NUMBERED_HEADER_BYTES));
  bytes.writeUInt32BE(message.seed, 0);
  bytes.writeUInt32BE(message.connection, 4);
  bytes.writeUInt32BE(message.number, 8);
  bytes.writeUInt32BE(message.asked, 12);
  bytes.writeUInt8(message.from === "server" ? 0 : 1, 16);
  bytes.writeUInt8(KINDS.indexOf(message.kind), 17);
  bytes.writeUInt16BE(0, 18);
  // Nowhere the same as a few bytes earlier or later.
  for (let at = NUMBERED_HEADER_BYTES; at < bytes.length; at++) bytes[at] = (at * 7 + message.number * 31) % 251;
  checksum(bytes).copy(bytes, FIELD_BYTES);
  return bytes;
}

/** @throws BadMessage when it is not whole and unaltered */
export function decodeNumbered(type: number, data: Uint8Array): Numbered {
  if (data.length < NUMBERED_HEADER_BYTES) throw new BadMessage(`a message of ${data.length} bytes`);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (!checksum(bytes).equals(bytes.subarray(FIELD_BYTES, NUMBERED_HEADER_BYTES))) {
    throw new BadMessage(`a message of ${data.length} bytes whose checksum is wrong`);
  }
  const number = bytes.readUInt32BE(8);
  if (type !== typeOf(number))
    throw new BadMessage(`message ${number} of type ${type}, it was sent as ${typeOf(number)}`);
  return {
    seed: bytes.readUInt32BE(0),
    connection: bytes.readUInt32BE(4),
    number,
    asked: bytes.readUInt32BE(12),
    from: bytes.readUInt8(16) === 0 ? "server" : "client",
    kind: KINDS[bytes.readUInt8(17)] ?? "data",
  };
}

function checksum(bytes: Buffer): Buffer {
  const hash = createHash("sha256")
    .update(bytes.subarray(0, FIELD_BYTES))
    .update(bytes.subarray(NUMBERED_HEADER_BYTES));
  return hash.digest().subarray(0, CHECKSUM_BYTES);
}
