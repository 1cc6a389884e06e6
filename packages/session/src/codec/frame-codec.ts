import { type MessageCipher, SEAL_OVERHEAD_BYTES } from "@ipc/crypto";
import {
  decodeBody,
  encodeMessage,
  FrameDecoder,
  type FrameDecoderOptions,
  type FreeBuffer,
  LENGTH_BYTES,
  MESSAGE_HEADER_BYTES,
  type MessageBody,
  TYPE_BYTES,
  writeMessageHeader,
  writeUint32,
} from "@ipc/framing";
import { CONTROL_TYPE } from "../message.js";
import { COMPATIBLE_SECURITY, type ConnectionSecurity, PLAIN_SECURITY } from "../security.js";
import { type EndMark, LARGE_BYTES, type MessageCodec, type MessageDecoder } from "./codec.js";
import { encodeControlFrame } from "./control-frame.js";

/** Encodes the bytes of an unencrypted frame before `dataLength` bytes of data. */
export function encodeHeader(type: number, dataLength: number): Uint8Array {
  const header = new Uint8Array(MESSAGE_HEADER_BYTES);
  writeMessageHeader(header, 0, type, dataLength);
  return header;
}

/** Creates the decoder of unencrypted frames. @param free is given what was copied, see FrameDecoderOptions */
export function createFrameDecoder(maxDataBytes: number, free?: FreeBuffer): FrameDecoder {
  return new FrameDecoder({ ...decoderOptions(maxDataBytes, TYPE_BYTES), ...(free && { free }) });
}

/** Base of the codecs: writes frames without encryption, and does not authenticate the end of the stream. */
export abstract class FrameCodec implements MessageCodec {
  abstract readonly security: ConnectionSecurity;
  readonly frameOverhead: number = MESSAGE_HEADER_BYTES;
  readonly headroom: number = 0;
  readonly tailroom: number = 0;
  readonly yieldAfterBytes: number = LARGE_BYTES;
  readonly endMark: EndMark = "none";

  abstract encodePortions(type: number, data: Uint8Array): Iterator<readonly Uint8Array[]>;

  abstract createDecoder(maxDataBytes: number): MessageDecoder;

  writeFrame(target: Uint8Array, offset: number, type: number, data: Uint8Array): void {
    writeMessageHeader(target, offset, type, data.length);
    target.set(data, offset + MESSAGE_HEADER_BYTES);
  }

  encodedBytes(dataLength: number): number {
    return this.frameOverhead + dataLength;
  }

  sealBatch(_batch: Uint8Array): void {}

  closeNotify(): Uint8Array | undefined {
    return undefined;
  }
}

/** Encodes frames without encryption. */
export class PlainCodec extends FrameCodec {
  readonly security: ConnectionSecurity = PLAIN_SECURITY;
  override readonly endMark: EndMark;

  /** @param endMark "GOAWAY" if both sides have control frames */
  constructor(endMark: "GOAWAY" | "none" = "none") {
    super();
    this.endMark = endMark;
  }

  override closeNotify(): Uint8Array | undefined {
    if (this.endMark === "none") return undefined;
    const closing = encodeControlFrame({ op: "goaway", reason: "closing", received: 0, taken: 0 });
    return encodeMessage(CONTROL_TYPE, closing);
  }

  encodePortions(type: number, data: Uint8Array): Iterator<readonly Uint8Array[]> {
    return [[encodeHeader(type, data.length), data]].values();
  }

  createDecoder(maxDataBytes: number): MessageDecoder {
    return new PlainDecoder(decoderOptions(maxDataBytes, TYPE_BYTES));
  }
}

/** Decodes frames without encryption. Messages are views into the chunks; other codecs decrypt into memory of their own. */
class PlainDecoder extends FrameDecoder {
  override push(chunk: Uint8Array): void {
    super.push(ownMemory(chunk));
  }
}

/**
 * Copies a chunk that does not fill its ArrayBuffer, which may be Node's pool: a message must not give its reader access to other
 * data of the process. Chunks of sockets fill theirs.
 */
function ownMemory(chunk: Uint8Array): Uint8Array {
  return chunk.length === chunk.buffer.byteLength ? chunk : Uint8Array.from(chunk);
}

/** Encodes frames with golang-ipc's encryption, which seals each message separately. */
export class GolangIpcCodec extends FrameCodec {
  readonly security: ConnectionSecurity = COMPATIBLE_SECURITY;
  override readonly frameOverhead: number = MESSAGE_HEADER_BYTES + SEAL_OVERHEAD_BYTES;
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

  override writeFrame(target: Uint8Array, offset: number, type: number, data: Uint8Array): void {
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

  /** In one portion, because one tag covers the message: its receiver cannot begin earlier. */
  encodePortions(type: number, data: Uint8Array): Iterator<readonly Uint8Array[]> {
    const frame = Buffer.allocUnsafeSlow(this.frameOverhead + data.length);
    this.writeFrame(frame, 0, type, data);
    return [[frame]].values();
  }

  createDecoder(maxDataBytes: number): MessageDecoder {
    return new GolangIpcDecoder(this.#cipher, maxDataBytes);
  }
}

/** Decodes frames whose bodies are sealed one by one. */
class GolangIpcDecoder extends FrameDecoder implements MessageDecoder {
  readonly #cipher: MessageCipher;

  constructor(cipher: MessageCipher, maxDataBytes: number) {
    super(decoderOptions(maxDataBytes, TYPE_BYTES + SEAL_OVERHEAD_BYTES));
    this.#cipher = cipher;
  }

  /** Each message is decrypted into memory of its own. */
  override get sharedBuffer(): undefined {
    return undefined;
  }

  /** @throws FrameError, CryptoError IPC_DECRYPTION_FAILED */
  override nextMessage(): MessageBody | undefined {
    const sealed = this.next();
    return sealed === undefined ? undefined : decodeBody(this.#cipher.open(sealed));
  }
}

/** @param overhead size of a body without its data, in bytes */
function decoderOptions(maxDataBytes: number, overhead: number): FrameDecoderOptions {
  return { maxBodyLength: maxDataBytes + overhead, minBodyLength: overhead, allocate: allocateUnzeroed };
}

/** From this size, in bytes, zeroing costs more than an allocation through Buffer. */
const UNZEROED_FROM_BYTES = 4_096;

/** Allocates memory whose every byte the caller overwrites, because zeroing costs half as much as copying. */
export function allocateUnzeroed(bytes: number): Uint8Array {
  if (bytes < UNZEROED_FROM_BYTES) return new Uint8Array(bytes);
  // Not pooled: other users of a pool would keep it alive. Not a Buffer, because its methods differ from a Uint8Array's.
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(bytes);
  return new Uint8Array(buffer, byteOffset, bytes);
}
