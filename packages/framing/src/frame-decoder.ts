import { FrameError } from "./frame-error.js";
import { LENGTH_BYTES, type MessageBody, readUint32, TYPE_BYTES, UINT32_MAX } from "./frame-layout.js";
import type { AllocateBuffer, FreeBuffer } from "./reassembly-buffer.js";
import { ReassemblyBuffer } from "./reassembly-buffer.js";

export interface FrameDecoderOptions {
  /** The longest body accepted, in bytes, minBodyLength … 2^32-1; a longer length is an error and allocates nothing. */
  readonly maxBodyLength: number;
  /** The shortest body accepted, in bytes, 0 … 2^32-1. @default 4, the size of a type */
  readonly minBodyLength?: number;
  /**
   * Allocates memory for a body that arrived in pieces: exactly that many bytes, all of which are overwritten, so unzeroed
   * memory saves large bodies a pass. If it throws, or returns another length, which is a RangeError, the next call tries
   * again. @default new Uint8Array(bytes)
   */
  readonly allocate?: AllocateBuffer;
  /**
   * Is given a chunk, or a part of it, that was copied into the memory of a frame: the decoder does not use it any more, and `free` may
   * detach it if it is the whole of its ArrayBuffer. Otherwise a returned frame may be in the rest. @default it is left to the collector
   */
  readonly free?: FreeBuffer;
}

const NOTHING = new Uint8Array(0);

/**
 * Decodes a byte stream, cut anywhere, into frames `length(4) ‖ body(n)`.
 *
 * `push` adds a chunk, `next` or `nextMessage` return complete frames until they return undefined, then `end` reports the end
 * of the stream. A frame within one chunk is returned as a view into that chunk, any other in memory of its own: a chunk must
 * not be changed after it was pushed.
 *
 * If the reader of a frame detaches its memory, the frames behind it are lost: IPC_FRAME_TRUNCATED from the next call.
 *
 * An error is final: the position of the next frame is unknown, so every later call throws the same error again.
 */
export class FrameDecoder {
  readonly #maxBodyLength: number;
  readonly #minBodyLength: number;
  readonly #allocate: AllocateBuffer;
  readonly #free: FreeBuffer | undefined;
  /** Undefined before a frame has arrived in pieces. */
  #assembly: ReassemblyBuffer | undefined;
  /** The received bytes of the length of a frame that arrives in pieces, as one number. */
  #header = 0;
  #headerUsed = 0;
  #chunk: Uint8Array = NOTHING;
  /** The memory of the chunk, because asking for `buffer` calls into the engine: for each frame, that is a fifth of the time here. */
  #chunkBuffer: ArrayBufferLike | undefined;
  #chunkOffset = 0;
  /** The length that the chunk had when it was pushed; a detached one has none. */
  #chunkLength = 0;
  #at = 0;
  /** The complete body that `#advance` found: bytes `#start` … `#end` of this array. */
  #bytes: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  #failure: FrameError | undefined;

  /** @throws RangeError when a limit is not a whole number in its range. */
  constructor(options: FrameDecoderOptions) {
    this.#minBodyLength = wholeNumber("minBodyLength", options.minBodyLength ?? TYPE_BYTES, 0);
    this.#maxBodyLength = wholeNumber("maxBodyLength", options.maxBodyLength, this.#minBodyLength);
    this.#allocate = options.allocate ?? ((bytes) => new Uint8Array(bytes));
    this.#free = options.free;
  }

  /** Bytes pushed and not yet returned as frames. */
  get bufferedBytes(): number {
    return this.#chunkLength - this.#at + this.#headerUsed + this.#assembledBytes;
  }

  get #assembledBytes(): number {
    return this.#assembly?.length ?? 0;
  }

  /** Takes ownership of the next bytes of the stream. */
  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#assertAttached();
    if (this.#at === this.#chunk.length) {
      this.#chunk = chunk;
    } else {
      const joined = new Uint8Array(this.#chunk.length - this.#at + chunk.length);
      joined.set(this.#chunk.subarray(this.#at));
      joined.set(chunk, this.#chunk.length - this.#at);
      this.#chunk = joined;
    }
    this.#chunkLength = this.#chunk.length;
    this.#chunkBuffer = this.#chunk.buffer;
    this.#chunkOffset = this.#chunk.byteOffset;
    this.#at = 0;
  }

  /** The ArrayBuffer of the frame that was returned last, if it is in a chunk, which later frames may share; otherwise undefined. */
  get sharedBuffer(): ArrayBufferLike | undefined {
    return this.#bytes === this.#chunk ? this.#chunkBuffer : undefined;
  }

  /**
   * Copies bytes of the stream into the memory of the frame that they continue and do not complete, as `push` and `next` do with part of
   * a large frame. Returns false, and does nothing, if they are not such a part, or if that memory cannot be allocated now: push them.
   */
  absorb(piece: Uint8Array): boolean {
    if (this.#headerUsed < LENGTH_BYTES || this.#at !== this.#chunk.length) return false;
    const length = this.#header;
    if (piece.length >= length - this.#assembledBytes) return false;
    return this.#assembly?.absorb(piece, length) === true;
  }

  /**
   * Returns the next complete body, or undefined when more bytes are needed.
   * @throws FrameError IPC_FRAME_TOO_LARGE, IPC_FRAME_TOO_SHORT
   */
  next(): Uint8Array | undefined {
    return this.#advance() ? this.#view(this.#start) : undefined;
  }

  /**
   * Returns the next complete body as type and data, or undefined when more bytes are needed: the same as `decodeBody` of
   * `next()`, with one view fewer.
   * @throws FrameError IPC_FRAME_TOO_LARGE, IPC_FRAME_TOO_SHORT
   */
  nextMessage(): MessageBody | undefined {
    if (!this.#advance()) return undefined;
    const length = this.#end - this.#start;
    if (length < TYPE_BYTES) this.#failShort(length, TYPE_BYTES);
    return { type: readUint32(this.#bytes, this.#start), data: this.#view(this.#start + TYPE_BYTES) };
  }

  /**
   * Reports the end of the stream.
   * @throws FrameError IPC_FRAME_TRUNCATED when the stream ended within a frame.
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#assertAttached();
    if (this.bufferedBytes === 0) return;
    const wanted = this.#headerUsed === LENGTH_BYTES ? `${LENGTH_BYTES + this.#header}` : "an unknown number of";
    this.#fail(
      "IPC_FRAME_TRUNCATED",
      `stream truncated: end after ${this.bufferedBytes} of ${wanted} bytes of a frame; the received part is dropped`,
    );
  }

  /** Returns a plain Uint8Array: a `subarray` of a Buffer would be a Buffer, whose `toString` differs. */
  #view(start: number): Uint8Array {
    const length = this.#end - start;
    if (this.#bytes === this.#chunk)
      return new Uint8Array(this.#chunkBuffer as ArrayBufferLike, this.#chunkOffset + start, length);
    const { buffer, byteOffset } = this.#bytes;
    // An assembled body belongs to its reader alone: an idle decoder must not keep a large one alive.
    this.#bytes = NOTHING;
    return new Uint8Array(buffer, byteOffset + start, length);
  }

  /** Finds the next complete body and stores its position. */
  #advance(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#headerUsed > 0) return this.#continue();
    const left = this.#chunk.length - this.#at;
    if (left < LENGTH_BYTES) return this.#keepHeader();
    const length = readUint32(this.#chunk, this.#at);
    if (length > this.#maxBodyLength || length < this.#minBodyLength) this.#refuse(length);
    if (left - LENGTH_BYTES < length) {
      this.#keepHeader();
      return this.#continue();
    }
    this.#found(this.#chunk, this.#at + LENGTH_BYTES, length);
    this.#at = this.#end;
    return true;
  }

  /** Continues a frame whose first bytes came in an earlier chunk. */
  #continue(): boolean {
    if (this.#headerUsed < LENGTH_BYTES) {
      this.#keepHeader();
      if (this.#headerUsed < LENGTH_BYTES) return false;
    }
    const length = this.#header;
    if (length > this.#maxBodyLength || length < this.#minBodyLength) this.#refuse(length);
    const missing = length - this.#assembledBytes;
    const piece = this.#chunk.subarray(this.#at, this.#at + missing);
    if (piece.length < missing) {
      if (piece.length > 0) {
        this.#assembly ??= new ReassemblyBuffer(this.#allocate, this.#free);
        this.#assembly.add(piece, length);
      }
      this.#forgetChunk();
      return false;
    }
    const start = this.#at;
    // Advance before memory is allocated: if that fails, the assembly has the piece, which must not be read again as a frame.
    this.#at += missing;
    if (this.#assembly === undefined || this.#assembly.length === 0) {
      this.#found(this.#chunk, start, length);
    } else {
      this.#assembly.add(piece, length);
      this.#found(this.#assembly.take(), 0, length);
    }
    this.#forgetHeader();
    return true;
  }

  #found(bytes: Uint8Array, start: number, length: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = start + length;
  }

  /** Moves the available bytes of a length into `#header`. Returns false always: no body is complete yet. */
  #keepHeader(): false {
    this.#assertAttached();
    while (this.#headerUsed < LENGTH_BYTES && this.#at < this.#chunk.length) {
      this.#header = this.#header * 256 + (this.#chunk[this.#at++] as number);
      this.#headerUsed++;
    }
    if (this.#at === this.#chunk.length) this.#forgetChunk();
    return false;
  }

  /** The reader of a frame may have transferred its memory, which later frames share, to another thread. */
  #assertAttached(): void {
    if (this.#chunk.length === this.#chunkLength) return;
    if (this.#at === this.#chunkLength) {
      this.#forgetChunk();
      return;
    }
    this.#fail(
      "IPC_FRAME_TRUNCATED",
      "stream truncated: the memory of a received message was transferred or detached while later frames were in it; transfer a copy of the data",
    );
  }

  #forgetChunk(): void {
    this.#chunk = NOTHING;
    this.#chunkBuffer = undefined;
    this.#chunkLength = 0;
    this.#at = 0;
    this.#bytes = NOTHING;
  }

  #forgetHeader(): void {
    this.#header = 0;
    this.#headerUsed = 0;
  }

  #refuse(length: number): never {
    if (length > this.#maxBodyLength) {
      this.#fail(
        "IPC_FRAME_TOO_LARGE",
        `frame too large: body of ${length} bytes, limit ${this.#maxBodyLength}; the peer exceeds the agreed maximum or does not speak this protocol`,
      );
    }
    this.#failShort(length, this.#minBodyLength);
  }

  #failShort(length: number, shortest: number): never {
    this.#fail(
      "IPC_FRAME_TOO_SHORT",
      `frame too short: body of ${length} bytes, minimum ${shortest}; the peer does not speak this protocol`,
    );
  }

  #fail(code: FrameError["code"], message: string): never {
    this.#failure = new FrameError(code, message);
    this.#forgetChunk();
    this.#forgetHeader();
    this.#assembly = undefined;
    throw this.#failure;
  }
}

function wholeNumber(name: string, value: number, min: number): number {
  if (Number.isInteger(value) && value >= min && value <= UINT32_MAX) return value;
  throw new RangeError(`${name}: takes a whole number of bytes, ${min} … ${UINT32_MAX}, got ${String(value)}`);
}
