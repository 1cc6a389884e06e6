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
import { MAX_BATCH_BYTES } from "../connection/send-buffer.js";
import type { ConnectionSecurity } from "../peer.js";
import type { TimeSlice } from "../scheduling/time-slice.js";

/** How a connection's bytes are protected: the one place that knows the difference between a frame and a sealed frame. */
export interface MessageCodec {
  readonly security: ConnectionSecurity;
  /** Bytes of a frame besides its data. */
  readonly frameOverhead: number;
  /** Bytes of a body besides its data. */
  readonly bodyOverhead: number;
  /** Writes one frame into `target`, which has room for the data and `frameOverhead` bytes. */
  writeFrame(target: Uint8Array, offset: number, type: number, data: Uint8Array): void;
  /** Bytes that a batch of frames needs before and behind it. */
  readonly headroom: number;
  readonly tailroom: number;
  /** What one connection may gather before the event loop has its turn, in bytes: what each frame costs decides. */
  readonly yieldAfterBytes: number;
  /** Protects a batch of frames in place, `headroom` and `tailroom` included. @throws CryptoError */
  sealBatch(batch: Uint8Array): void;
  /** Gives a large message as pieces to be written in a row; plain ones alias `data`. */
  encodeChunks(type: number, data: Uint8Array): Uint8Array[];
  /** What is sent last, where the end itself is authentic. @throws CryptoError */
  closeNotify(): Uint8Array | undefined;
  /** Takes the next bytes of the stream. */
  push(decoder: FrameDecoder, chunk: Uint8Array): void;
  /**
   * Takes the next whole, authentic message out of the decoder. Undefined: more bytes are needed, or the stint is over.
   * @throws FrameError, CryptoError: nothing that follows can be trusted
   */
  next(decoder: FrameDecoder, timeSlice?: TimeSlice): MessageBody | undefined;
  /**
   * Opens the peer's farewell if nothing but that is left. The reader takes no more messages, and it is none.
   * @throws CryptoError
   */
  openCloseNotify(decoder: FrameDecoder): void;
  /** The stream has ended. @throws FrameError, CryptoError when that is not how a peer ends it */
  end(decoder: FrameDecoder): void;
  /** Bytes pushed that have not come out as messages. */
  bufferedBytes(decoder: FrameDecoder): number;
}

/** The stream is the frames, one by one: each is protected by itself or not at all, and nothing says that one was the last. */
abstract class FrameCodec {
  readonly headroom: number = 0;
  readonly tailroom: number = 0;
  readonly yieldAfterBytes: number = MAX_BATCH_BYTES;

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

/** What a connection without encryption proves: nothing. */
export const PLAIN_SECURITY: ConnectionSecurity = Object.freeze({ mode: "plain", peer: Object.freeze({ psk: false }) });

/** golang-ipc's encryption: the peer is anonymous. */
export const COMPATIBLE_SECURITY: ConnectionSecurity = Object.freeze({
  mode: "compatible",
  peer: Object.freeze({ psk: false }),
});

/** A secure session without keys: the peer is anonymous. */
export const ANONYMOUS_SECURITY: ConnectionSecurity = Object.freeze({
  mode: "secure",
  peer: Object.freeze({ psk: false }),
});

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
