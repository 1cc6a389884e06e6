import {
  freeMemory,
  RECORD_DATA_MAX_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RECORD_OVERHEAD_BYTES,
  RecordDecoder,
  type RecordOpener,
  type RecordSealer,
  type SealedRecord,
  TAG_BYTES,
} from "@ipc/crypto";
import { type FrameDecoder, MESSAGE_HEADER_BYTES, type MessageBody } from "@ipc/framing";
import { SessionError } from "../errors.js";
import { CONTROL_TYPE } from "../message.js";
import type { TimeSlice } from "../scheduling/time-slice.js";
import type { ConnectionSecurity } from "../security.js";
import type { MessageDecoder } from "./codec.js";
import { createFrameDecoder, encodeHeader, FrameCodec } from "./frame-codec.js";

/** The longest data of a control frame in the handshake, in bytes. */
const CONTROL_RECORD_BYTES = 128;

/**
 * Encodes a secure session: a stream of plain frames, sealed in records. The small messages of a tick share one record, a large
 * message spans several; each direction has its own keys and record counter. A batch is `header(4) ‖ frames ‖ tag(16)`, sealed
 * in place.
 * @see docs/WIRE.md, "Records"
 */
export class RecordCodec extends FrameCodec {
  readonly security: ConnectionSecurity;
  readonly ownsChunks = true;
  override readonly endMark = "CLOSE";
  override readonly headroom: number = RECORD_HEADER_BYTES;
  override readonly tailroom: number = TAG_BYTES;
  readonly #sealer: RecordSealer;
  readonly #opener: RecordOpener;

  constructor(sealer: RecordSealer, opener: RecordOpener, security: ConnectionSecurity) {
    super();
    this.#sealer = sealer;
    this.#opener = opener;
    this.security = security;
  }

  override sealBatch(batch: Uint8Array): void {
    const frames = batch.subarray(RECORD_HEADER_BYTES, batch.length - TAG_BYTES);
    this.#sealer.sealInto(batch, 0, RECORD_KIND.data, [frames]);
  }

  override encodedBytes(dataLength: number): number {
    const frameBytes = MESSAGE_HEADER_BYTES + dataLength;
    return frameBytes + Math.ceil(frameBytes / RECORD_DATA_MAX_BYTES) * RECORD_OVERHEAD_BYTES;
  }

  /** A portion is a record; there are as few as the length allows. */
  *encodePortions(type: number, data: Uint8Array): Generator<readonly Uint8Array[]> {
    const { length } = data;
    let end = Math.min(RECORD_DATA_MAX_BYTES - MESSAGE_HEADER_BYTES, length);
    yield this.#sealer.sealParts(RECORD_KIND.data, [encodeHeader(type, length), data.subarray(0, end)]);
    while (end < length && data.length === length) {
      const start = end;
      end = Math.min(start + RECORD_DATA_MAX_BYTES, length);
      yield this.#sealer.sealParts(RECORD_KIND.data, [data.subarray(start, end)]);
    }
  }

  override closeNotify(): Uint8Array {
    return this.#sealer.seal(RECORD_KIND.close);
  }

  /** Seals a control frame of the handshake: the only frame of its record. */
  sealControl(data: Uint8Array): Uint8Array {
    return this.#sealer.seal(RECORD_KIND.data, [encodeHeader(CONTROL_TYPE, data.length), data]);
  }

  /**
   * Opens a control frame of the handshake, and returns its data.
   * @throws CryptoError; SessionError IPC_RECORD_INVALID if the record has other frames, or a part of one
   */
  openControl(record: SealedRecord): Uint8Array {
    const frames = createFrameDecoder(CONTROL_RECORD_BYTES);
    frames.push(this.#opener.open(record));
    const message = frames.nextMessage();
    if (message?.type === CONTROL_TYPE && frames.bufferedBytes === 0) return message.data;
    throw new SessionError(
      "IPC_RECORD_INVALID",
      "invalid record: expected one control frame and nothing else; the peer does not speak this protocol",
    );
  }

  createDecoder(maxDataBytes: number): MessageDecoder {
    return new RecordMessageDecoder(this.#opener, maxDataBytes);
  }
}

/** Decodes the frames of a secure session out of its records. */
class RecordMessageDecoder implements MessageDecoder {
  readonly #records: RecordDecoder;
  readonly #frames: FrameDecoder;
  /** Whether bytes have arrived since the records were last read to their end. */
  #hasArrived = false;

  constructor(opener: RecordOpener, maxDataBytes: number) {
    this.#records = new RecordDecoder(opener);
    this.#frames = createFrameDecoder(maxDataBytes, freeMemory);
  }

  get bufferedBytes(): number {
    return this.#records.bufferedBytes + this.#frames.bufferedBytes;
  }

  get sharedBuffer(): ArrayBufferLike | undefined {
    return this.#frames.sharedBuffer;
  }

  push(chunk: Uint8Array): void {
    this.#records.push(chunk);
    this.#hasArrived = true;
  }

  release(chunk: Uint8Array): void {
    this.#records.release(chunk);
  }

  /** Takes plaintext only after every earlier message was returned, so records stay sealed while the reader is paused. */
  nextMessage(timeSlice?: TimeSlice): MessageBody | undefined {
    for (;;) {
      const message = this.#frames.nextMessage();
      if (message !== undefined) return message;
      const piece = this.#records.next();
      if (piece === undefined) {
        // The beginning of a record was decrypted, which takes time, too.
        if (this.#hasArrived) timeSlice?.countStep();
        this.#hasArrived = false;
        return undefined;
      }
      // Most of a large message is copied into its memory while it is in the processor's cache.
      if (!this.#frames.absorb(piece.plaintext)) this.#frames.push(piece.plaintext);
      // Count each record as a step, because a peer can spread a message over one record per byte.
      if (timeSlice?.countStep() === true) return undefined;
    }
  }

  end(): void {
    this.#records.end();
    this.#frames.end();
  }
}
