import { type MessageCipher, SEAL_OVERHEAD_BYTES } from "@ipc/crypto";
import {
  decodeBody,
  type FrameDecoder,
  LENGTH_BYTES,
  MESSAGE_HEADER_BYTES,
  type MessageBody,
  TYPE_BYTES,
  writeMessageHeader,
  writeUint32,
} from "@ipc/framing";
import { COMPATIBLE_SECURITY, type ConnectionSecurity, PLAIN_SECURITY } from "../security.js";
import { LARGE_BYTES, type MessageCodec } from "./codec.js";

/** Base of codecs that seal each frame separately or not at all, so the end of the stream is not authenticated. */
abstract class FrameCodec {
  readonly headroom: number = 0;
  readonly tailroom: number = 0;
  readonly yieldAfterBytes: number = LARGE_BYTES;

  sealBatch(): void {
    // Nothing to do: `writeFrame` has sealed each frame that needs it.
  }

  closeNotify(): undefined {}

  push(decoder: FrameDecoder, chunk: Uint8Array): void {
    decoder.push(chunk);
  }

  openCloseNotify(): void {
    // Nothing to do: this stream has no CLOSE record.
  }

  end(decoder: FrameDecoder): void {
    decoder.end();
  }

  bufferedBytes(decoder: FrameDecoder): number {
    return decoder.bufferedBytes;
  }
}

/** Encodes frames without encryption. */
export class PlainCodec extends FrameCodec implements MessageCodec {
  readonly security: ConnectionSecurity = PLAIN_SECURITY;
  readonly frameOverhead: number = MESSAGE_HEADER_BYTES;
  readonly bodyOverhead: number = TYPE_BYTES;

  writeFrame(target: Uint8Array, offset: number, type: number, data: Uint8Array): void {
    writeMessageHeader(target, offset, type, data.length);
    target.set(data, offset + MESSAGE_HEADER_BYTES);
  }

  encodeChunks(type: number, data: Uint8Array): Uint8Array[] {
    const header = new Uint8Array(MESSAGE_HEADER_BYTES);
    writeMessageHeader(header, 0, type, data.length);
    return [header, data];
  }

  next(decoder: FrameDecoder): MessageBody | undefined {
    return decoder.nextMessage();
  }
}

/** Encodes frames with golang-ipc's encryption, which seals each message separately. */
export class GolangIpcCodec extends FrameCodec implements MessageCodec {
  readonly security: ConnectionSecurity = COMPATIBLE_SECURITY;
  readonly frameOverhead: number = MESSAGE_HEADER_BYTES + SEAL_OVERHEAD_BYTES;
  readonly bodyOverhead: number = TYPE_BYTES + SEAL_OVERHEAD_BYTES;
  /** About 1 ms of small messages, because each costs a cipher call. */
  override readonly yieldAfterBytes: number = 16_384;
  readonly #cipher: MessageCipher;
  readonly #type = new Uint8Array(TYPE_BYTES);
  /** Joins type and data of a small message, so that sealing takes one cipher call instead of two. */
  readonly #joined = new Uint8Array(1_024);

  constructor(cipher: MessageCipher) {
    super();
    this.#cipher = cipher;
  }

  writeFrame(target: Uint8Array, offset: number, type: number, data: Uint8Array): void {
    const length = TYPE_BYTES + data.length;
    writeUint32(target, offset, length + SEAL_OVERHEAD_BYTES);
    if (length <= this.#joined.length) {
      writeUint32(this.#joined, 0, type);
      this.#joined.set(data, TYPE_BYTES);
      this.#cipher.sealInto(target, offset + LENGTH_BYTES, this.#joined.subarray(0, length));
    } else {
      writeUint32(this.#type, 0, type);
      this.#cipher.sealInto(target, offset + LENGTH_BYTES, this.#type, data);
    }
  }

  encodeChunks(type: number, data: Uint8Array): Uint8Array[] {
    const frame = Buffer.allocUnsafeSlow(this.frameOverhead + data.length);
    this.writeFrame(frame, 0, type, data);
    return [frame];
  }

  next(decoder: FrameDecoder): MessageBody | undefined {
    const sealed = decoder.next();
    return sealed === undefined ? undefined : decodeBody(this.#cipher.open(sealed));
  }
}
