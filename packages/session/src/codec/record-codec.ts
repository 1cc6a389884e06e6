import {
  RECORD_DATA_MAX_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RecordDecoder,
  type RecordOpener,
  type RecordSealer,
  TAG_BYTES,
} from "@ipc/crypto";
import {
  type FrameDecoder,
  MESSAGE_HEADER_BYTES,
  type MessageBody,
  TYPE_BYTES,
  writeMessageHeader,
} from "@ipc/framing";
import type { TimeSlice } from "../scheduling/time-slice.js";
import type { ConnectionSecurity } from "../security.js";
import { LARGE_BYTES, type MessageCodec } from "./codec.js";

/** Size of a record without plaintext. */
const CLOSE_NOTIFY_BYTES = RECORD_HEADER_BYTES + TAG_BYTES;

/**
 * Encodes a secure session: a stream of plain frames, sealed in records. The small messages of a tick share one record, a large
 * message spans several; each direction has its own keys and record counter. A batch is `header(4) ‖ frames ‖ tag(16)`, sealed
 * in place.
 * @see docs/WIRE.md, "Records"
 */
export class RecordCodec implements MessageCodec {
  readonly security: ConnectionSecurity;
  readonly frameOverhead: number = MESSAGE_HEADER_BYTES;
  readonly bodyOverhead: number = TYPE_BYTES;
  readonly headroom: number = RECORD_HEADER_BYTES;
  readonly tailroom: number = TAG_BYTES;
  readonly yieldAfterBytes: number = LARGE_BYTES;
  readonly #sealer: RecordSealer;
  readonly #opener: RecordOpener;
  readonly #reader = new RecordDecoder();

  constructor(sealer: RecordSealer, opener: RecordOpener, security: ConnectionSecurity) {
    this.#sealer = sealer;
    this.#opener = opener;
    this.security = security;
  }

  writeFrame(target: Uint8Array, offset: number, type: number, data: Uint8Array): void {
    writeMessageHeader(target, offset, type, data.length);
    target.set(data, offset + MESSAGE_HEADER_BYTES);
  }

  sealBatch(batch: Uint8Array): void {
    const frames = batch.subarray(RECORD_HEADER_BYTES, batch.length - TAG_BYTES);
    this.#sealer.sealInto(batch, 0, RECORD_KIND.data, [frames]);
  }

  encodeChunks(type: number, data: Uint8Array): Uint8Array[] {
    const header = new Uint8Array(MESSAGE_HEADER_BYTES);
    writeMessageHeader(header, 0, type, data.length);
    const first = data.subarray(0, RECORD_DATA_MAX_BYTES - MESSAGE_HEADER_BYTES);
    const parts = this.#sealer.sealParts(RECORD_KIND.data, [header, first]);
    for (let at = first.length; at < data.length; at += RECORD_DATA_MAX_BYTES) {
      const piece = data.subarray(at, at + RECORD_DATA_MAX_BYTES);
      parts.push(...this.#sealer.sealParts(RECORD_KIND.data, [piece]));
    }
    return parts;
  }

  closeNotify(): Uint8Array {
    return this.#sealer.seal(RECORD_KIND.close);
  }

  push(_decoder: FrameDecoder, chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  /** Opens a record only after every earlier message was returned, so records stay sealed while the reader is paused. */
  next(decoder: FrameDecoder, timeSlice?: TimeSlice): MessageBody | undefined {
    for (;;) {
      const message = decoder.nextMessage();
      if (message !== undefined) return message;
      const record = this.#reader.next();
      if (record === undefined) return undefined;
      const plaintext = this.#opener.open(record);
      if (record.kind === RECORD_KIND.data) decoder.push(plaintext);
      // Count each record as a step, because a peer can spread a message over one record per byte.
      if (timeSlice?.countStep() === true) return undefined;
    }
  }

  openCloseNotify(decoder: FrameDecoder): void {
    if (decoder.bufferedBytes > 0 || this.#reader.bufferedBytes !== CLOSE_NOTIFY_BYTES) return;
    const record = this.#reader.next();
    // A complete record of this size has no plaintext, so it holds no message, whatever its kind.
    if (record !== undefined) this.#opener.open(record);
  }

  end(decoder: FrameDecoder): void {
    this.#reader.end();
    this.#opener.end();
    decoder.end();
  }

  bufferedBytes(decoder: FrameDecoder): number {
    return this.#reader.bufferedBytes + decoder.bufferedBytes;
  }
}
