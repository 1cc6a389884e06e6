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

/** The stream is the frames, one by one: each is protected by itself or not at all, and nothing says that one was the last. */
abstract class FrameCodec {
  readonly headroom: number = 0;
  readonly tailroom: number = 0;
  readonly yieldAfterBytes: number = LARGE_BYTES;

  sealBatch(): void {
    // Every frame in it is protected already.
  }

  closeNotify(): undefined {}

  push(decoder: FrameDecoder, chunk: Uint8Array): void {
    decoder.push(chunk);
  }

  openCloseNotify(): void {
    // There is none.
  }

  end(decoder: FrameDecoder): void {
    decoder.end();
  }

  bufferedBytes(decoder: FrameDecoder): number {
    return decoder.bufferedBytes;
  }
}

/** No encryption: frames as they are. */
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

/** golang-ipc's encryption: each message sealed by itself. */
export class GolangIpcCodec extends FrameCodec implements MessageCodec {
  readonly security: ConnectionSecurity = COMPATIBLE_SECURITY;
  readonly frameOverhead: number = MESSAGE_HEADER_BYTES + SEAL_OVERHEAD_BYTES;
  readonly bodyOverhead: number = TYPE_BYTES + SEAL_OVERHEAD_BYTES;
  /** A millisecond for small messages, each of which is a call of the cipher. */
  override readonly yieldAfterBytes: number = 16_384;
  readonly #cipher: MessageCipher;
  readonly #type = new Uint8Array(TYPE_BYTES);
  /** Small messages are joined here: one cipher call instead of two. */
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
