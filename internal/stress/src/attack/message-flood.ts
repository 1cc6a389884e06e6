import { RECORD_HEADER_BYTES, TAG_BYTES } from "@ipc/crypto";
import type { MessageCodec } from "@ipc/session/handshake";

/** How messages are packed: as they are, and in a secure session as many in a record, one in a record, or a byte in a record. */
export type Packing = "batched" | "record each" | "record a byte";

export interface FloodPlan {
  readonly messages: number;
  /** Bytes of data in each. */
  readonly bytes: number;
  readonly packing: Packing;
}

/** Bytes that are handed to the socket at a time. */
const CHUNK_BYTES = 65_536;
const TYPE = 9;

/** Gives messages as they are on the wire, a chunk at a time. */
export function* encodeFlood(codec: MessageCodec, { messages, bytes, packing }: FloodPlan): Generator<Uint8Array> {
  const frameBytes = codec.frameOverhead + bytes;
  const data = new Uint8Array(bytes);
  const inRecords = codec.headroom > 0;
  const atOnce =
    inRecords && packing !== "batched"
      ? packing === "record each"
        ? 2_048
        : 256
      : Math.floor(CHUNK_BYTES / frameBytes);
  for (let left = messages; left > 0; left -= atOnce) {
    const frames = new Uint8Array(Math.min(left, atOnce) * frameBytes);
    for (let at = 0; at < frames.length; at += frameBytes) codec.writeFrame(frames, at, TYPE, data);
    if (!inRecords) yield frames;
    else
      yield sealed(codec, frames, packing === "batched" ? frames.length : packing === "record each" ? frameBytes : 1);
  }
}

/** Seals bytes in records of `size` each. */
export function sealed(codec: MessageCodec, bytes: Uint8Array, size: number): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    const record = new Uint8Array(RECORD_HEADER_BYTES + piece.length + TAG_BYTES);
    record.set(piece, RECORD_HEADER_BYTES);
    codec.sealBatch(record);
    records.push(record);
  }
  return Buffer.concat(records);
}
