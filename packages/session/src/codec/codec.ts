import type { Duplex } from "node:stream";
import type { ResumeKeys } from "@ipc/crypto";
import type { MessageBody } from "@ipc/framing";
import type { TimeSlice } from "../scheduling/time-slice.js";
import type { ConnectionSecurity, ProvedKeys } from "../security.js";
import type { DeliveryCounts } from "./control-frame.js";

/**
 * Maximum size of a batch of frames, in bytes: about what one system call moves. Data of this size or more is not batched: it
 * goes to the stream directly, uncopied if the codec does not encrypt, and `write` resolves when the kernel has it.
 */
export const LARGE_BYTES = 65_536;

/**
 * Data of this size or more may go to the stream uncopied: a codec adds at most 64 bytes, so smaller data always fits into a
 * batch.
 */
export const UNCOPIED_FROM_BYTES: number = LARGE_BYTES - 64;

/**
 * How a side announces that its stream ends: by a CLOSE, without which the decoder's `end` throws; by a GOAWAY; or not at all, so
 * that a crash looks the same.
 */
export type EndMark = "CLOSE" | "GOAWAY" | "none";

/** Encodes the messages that one side sends. */
export interface MessageEncoder {
  /** Size of a frame without its data, in bytes. */
  readonly frameOverhead: number;
  /** Bytes that `sealBatch` needs before and after the frames of a batch. */
  readonly headroom: number;
  readonly tailroom: number;
  /** Bytes that one connection may batch before its writes yield to the event loop; depends on the cost of a frame. */
  readonly yieldAfterBytes: number;
  /** Writes one frame into `target`, which must have room for `frameOverhead` bytes and the data. */
  writeFrame(target: Uint8Array, offset: number, type: number, data: Uint8Array): void;
  /** Seals a batch in place; `batch` is `headroom ‖ frames ‖ tailroom`. @throws CryptoError */
  sealBatch(batch: Uint8Array): void;
  /** Bytes of all portions of a message together. */
  encodedBytes(dataLength: number): number;
  /**
   * Encodes a large message in portions, each when it is asked for: chunks to be written in order. Unencrypted chunks alias `data`.
   * Ends early if the length of `data` changes, because its buffer is transferred or resized. Asking throws CryptoError.
   */
  encodePortions(type: number, data: Uint8Array): Iterator<readonly Uint8Array[]>;
  /** Whether the chunks of portions are memory of their own, which may be freed when they are written. @default false */
  readonly ownsChunks?: boolean;
  /** How this side announces the end of its stream, and the peer the end of its own. */
  readonly endMark: EndMark;
  /** Encodes the announcement of this side's end; undefined if `endMark` is "none". @throws CryptoError */
  closeNotify(): Uint8Array | undefined;
}

/** Decodes the bytes that one side receives. FrameDecoder is the decoder of unencrypted messages. */
export interface MessageDecoder {
  /** Bytes pushed and not yet returned as messages. */
  readonly bufferedBytes: number;
  /** The ArrayBuffer of the message that was returned last, if later ones may share it; otherwise undefined. */
  readonly sharedBuffer: ArrayBufferLike | undefined;
  /** Receives the next bytes of the stream. */
  push(chunk: Uint8Array): void;
  /**
   * Decodes the next complete, authentic message. Undefined: it needs more bytes, or the time slice has expired.
   * @throws FrameError, CryptoError; later bytes cannot be trusted then
   */
  nextMessage(timeSlice?: TimeSlice): MessageBody | undefined;
  /** Frees the memory of a pushed chunk, which nothing else may use then, if it is not needed. @default messages are views into it */
  release?(chunk: Uint8Array): void;
  /** Checks that the stream may end here. @throws FrameError, CryptoError if it was truncated */
  end(): void;
}

/** A connection's format of messages, encrypted or not. No other module distinguishes frames from sealed frames. */
export interface MessageCodec extends MessageEncoder {
  readonly security: ConnectionSecurity;
  /** Creates the decoder of the peer's messages, once. @param maxDataBytes longest data of a message */
  createDecoder(maxDataBytes: number): MessageDecoder;
}

/** The part of a handshake's outcome that concerns resuming. */
interface ResumeOutcome {
  /** The keys of the session that begins with this connection, unless it continues another one. */
  readonly keys: ResumeKeys;
  /** The proofs, as MODE bits. */
  readonly mode: number;
  /** At a client: identifies the server, which has the session from now on; 32 hexadecimal digits. */
  readonly instance?: string | undefined;
  /** The fate of the session that the client wanted to continue; undefined if there was none. */
  readonly answer?: ResumeAnswer | undefined;
}

/** A session that goes on over a new connection. */
interface ContinuedSession {
  /** The peer whose session it is. */
  readonly owner: {
    /** Continues on the connection. Returns false if it is too late; its stream is then destroyed. */
    connect(established: EstablishedConnection): boolean;
  };
}

/** The answer to a client that asks to continue its session. */
export type ResumeAnswer =
  /** It goes on. `session`: as the server's registry has it; undefined at a client, which has only one. */
  | {
      readonly how: "resumed";
      readonly session?: ContinuedSession;
      readonly attempt: number;
      /** How many messages of this side the other one has received. */
      readonly received: number;
      /** How many of them its application has taken; undefined if it has not told. */
      readonly taken: number | undefined;
    }
  /** It has ended, and these are the server's last counts. */
  | ({ readonly how: "expired" } & DeliveryCounts)
  | { readonly how: "unknown" | "refused" };

/** The result of a handshake, on which both sides agree. */
export interface HandshakeOutcome {
  readonly codec: MessageCodec;
  /** The longest data this side may send, in bytes. */
  readonly maxSendSize: number;
  /** The features that both sides support, as FEATURE bits. */
  readonly features: number;
  /** Whether the peer ends its side after it has read to the end of ours: clients do, golang-ipc's servers do not. */
  readonly peerEndsInResponse: boolean;
  /** A client's secure session: what was proved in it, as bits: 1 pre-shared key, 2 server's signature, 4 client's signature. */
  readonly secureMode?: number;
  /** Set if both sides can resume. */
  readonly resume?: ResumeOutcome | undefined;
  /** A server's secure session: the keys that its client has proved. @default the client is anonymous */
  readonly provedKeys?: ProvedKeys;
}

/** A connection whose handshake is complete. */
export interface EstablishedConnection {
  readonly stream: Duplex;
  readonly outcome: HandshakeOutcome;
  /** Bytes that arrived after the handshake. */
  readonly rest: Uint8Array;
  readonly remote: string;
}
