import type { Duplex } from "node:stream";
import type { FrameDecoder, MessageBody } from "@ipc/framing";
import type { TimeSlice } from "../scheduling/time-slice.js";
import type { ConnectionSecurity } from "../security.js";

/**
 * The most that a batch of frames holds, about what one system call moves. Data from this size up goes to the stream by itself
 * and uncopied; `write` then resolves when the kernel has it.
 */
export const LARGE_BYTES = 65_536;

/**
 * Data from this size up may go to the stream uncopied, because a frame of that size may not fit into a batch beside what a
 * codec adds: at most 64 bytes.
 */
export const UNCOPIED_FROM_BYTES: number = LARGE_BYTES - 64;

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
   * Takes the next whole, authentic message out of the decoder. Undefined: more bytes are needed, or the time slice is used up.
   * @throws FrameError, CryptoError: nothing that follows can be trusted
   */
  next(decoder: FrameDecoder, timeSlice?: TimeSlice): MessageBody | undefined;
  /**
   * Opens the peer's CLOSE if nothing but that is left. The reader takes no more messages, and it is none.
   * @throws CryptoError
   */
  openCloseNotify(decoder: FrameDecoder): void;
  /** The stream has ended. @throws FrameError, CryptoError when that is not how a peer ends it */
  end(decoder: FrameDecoder): void;
  /** Bytes pushed that have not come out as messages. */
  bufferedBytes(decoder: FrameDecoder): number;
}

/** What both sides have agreed on. */
export interface HandshakeOutcome {
  readonly codec: MessageCodec;
  /** The longest data this side may send, in bytes. */
  readonly maxSendSize: number;
  /** Whether the peer ends its side once it has read to the end of ours: clients do, golang-ipc's servers do not. */
  readonly peerEndsToo: boolean;
}

/** A connection whose handshake is complete. */
export interface EstablishedConnection {
  readonly stream: Duplex;
  readonly outcome: HandshakeOutcome;
  /** What came behind the handshake. */
  readonly rest: Uint8Array;
  readonly remote: string;
}

/** Below this many bytes zeroing costs less than a buffer of Node's own. */
const WORTH_IT_BYTES = 4_096;

/** Allocates memory that its caller overwrites, every byte: a megabyte of zeros costs as much as half a copy of it. */
export function allocateUnzeroed(bytes: number): Uint8Array {
  if (bytes < WORTH_IT_BYTES) return new Uint8Array(bytes);
  // Always a plain Uint8Array over memory of its own: that of a pool would be kept alive by others, and a Buffer's methods differ.
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(bytes);
  return new Uint8Array(buffer, byteOffset, bytes);
}
