import { FrameError } from "./frame-error.js";
import { LENGTH_BYTES, type MessageBody, readUint32, TYPE_BYTES, UINT32_MAX } from "./frame-layout.js";
import type { AllocateBuffer } from "./reassembly-buffer.js";
import { ReassemblyBuffer } from "./reassembly-buffer.js";

export interface FrameDecoderOptions {
  /** The longest body accepted, in bytes, minBodyLength … 2^32-1; a longer announcement is an error and allocates nothing. */
  readonly maxBodyLength: number;
  /** The shortest body accepted, in bytes, 0 … 2^32-1. @default 4, the room for a type */
  readonly minBodyLength?: number;
  /**
   * Gives memory for a body that came in pieces: exactly so many bytes, every one of which is overwritten. Memory that
   * nobody has zeroed saves large bodies a pass. Where it throws, or gives another length, which is a RangeError, the next
   * call asks again. @default new Uint8Array(bytes)
   */
  readonly allocate?: AllocateBuffer;
}

const NOTHING = new Uint8Array(0);

/**
 * Decodes a byte stream, cut anywhere, into frames `length(4) ‖ body(n)`.
 *
 * `push` gives it a chunk, `next` or `nextMessage` take whole frames out until they return undefined, `end` says after that
 * that the stream is over. What comes out is a view into the chunk where the frame lay within one chunk, and memory of its
 * own where it did not: a chunk must not be changed after it was pushed.
 *
 * An error is final: the place of the next frame is unknown, so every later call throws the same error again.
 */
export class FrameDecoder {
  readonly #maxBodyLength: number;
  readonly #minBodyLength: number;
  readonly #allocate: AllocateBuffer;
  #assembly: ReassemblyBuffer;
  /** The length of a frame that arrives in pieces, as far as it is here. */
  readonly #header = new Uint8Array(LENGTH_BYTES);
  #headerUsed = 0;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  /** Where `#advance` found a whole body. */
  #bytes: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  #failure: FrameError | undefined;

  /** @throws RangeError when a limit is not a whole number in its range. */
  constructor(options: FrameDecoderOptions) {
    this.#minBodyLength = wholeNumber("minBodyLength", options.minBodyLength ?? TYPE_BYTES, 0);
    this.#maxBodyLength = wholeNumber("maxBodyLength", options.maxBodyLength, this.#minBodyLength);
    this.#allocate = options.allocate ?? ((bytes) => new Uint8Array(bytes));
    this.#assembly = new ReassemblyBuffer(this.#allocate);
  }

  /** Bytes pushed that have not come out as frames. */
  get bufferedBytes(): number {
    return this.#chunk.length - this.#at + this.#headerUsed + this.#assembly.length;
  }

  /** Takes over the next bytes of the stream. */
  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#at === this.#chunk.length) {
      this.#chunk = chunk;
    } else {
      const joined = new Uint8Array(this.#chunk.length - this.#at + chunk.length);
      joined.set(this.#chunk.subarray(this.#at));
      joined.set(chunk, this.#chunk.length - this.#at);
      this.#chunk = joined;
    }
    this.#at = 0;
  }

  /**
   * Returns the next whole body, or undefined when more bytes are needed.
   * @throws FrameError IPC_FRAME_TOO_LARGE, IPC_FRAME_TOO_SHORT
   */
  next(): Uint8Array | undefined {
    return this.#advance() ? this.#view(this.#start) : undefined;
  }

  /**
   * Returns the next whole body as type and data, or undefined when more bytes are needed: the same as `decodeBody` of
   * `next()`, with one view less.
   * @throws FrameError IPC_FRAME_TOO_LARGE, IPC_FRAME_TOO_SHORT
   */
  nextMessage(): MessageBody | undefined {
    if (!this.#advance()) return undefined;
    const length = this.#end - this.#start;
    if (length < TYPE_BYTES) this.#failShort(length, TYPE_BYTES);
    return { type: readUint32(this.#bytes, this.#start), data: this.#view(this.#start + TYPE_BYTES) };
  }

  /**
   * Says that the stream has ended.
   * @throws FrameError IPC_FRAME_TRUNCATED when it ended within a frame.
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.bufferedBytes === 0) return;
    const wanted =
      this.#headerUsed === LENGTH_BYTES ? `${LENGTH_BYTES + readUint32(this.#header, 0)}` : "an unknown number of";
    this.#fail(
      "IPC_FRAME_TRUNCATED",
      `the stream ended after ${this.bufferedBytes} of ${wanted} bytes of a frame; what arrived of it is dropped`,
    );
  }

  /** Always a plain Uint8Array: a `subarray` of a Buffer would be a Buffer, and its `toString` another one. */
  #view(start: number): Uint8Array {
    const view = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, this.#end - start);
    // A body that was put together is its reader's alone: a decoder that stands still must not keep a large one.
    if (this.#bytes !== this.#chunk) this.#bytes = NOTHING;
    return view;
  }

  /** Finds the next whole body and remembers where it lies. */
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

  /** Goes on with a frame of which some bytes came in an earlier chunk. */
  #continue(): boolean {
    if (this.#headerUsed < LENGTH_BYTES) {
      this.#keepHeader();
      if (this.#headerUsed < LENGTH_BYTES) return false;
    }
    const length = readUint32(this.#header, 0);
    if (length > this.#maxBodyLength || length < this.#minBodyLength) this.#refuse(length);
    const missing = length - this.#assembly.length;
    const piece = this.#chunk.subarray(this.#at, this.#at + missing);
    if (piece.length < missing) {
      if (piece.length > 0) this.#assembly.add(piece);
      this.#forgetChunk();
      return false;
    }
    const start = this.#at;
    // Before memory is asked for: where there is none, the piece is in the assembly, and must not be taken for a frame.
    this.#at += missing;
    if (this.#assembly.length === 0) {
      this.#found(this.#chunk, start, length);
    } else {
      this.#assembly.add(piece);
      this.#found(this.#assembly.take(), 0, length);
    }
    this.#headerUsed = 0;
    return true;
  }

  #found(bytes: Uint8Array, start: number, length: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = start + length;
  }

  /** Moves what the chunk has of a length into `#header`. Always false: no body is complete yet. */
  #keepHeader(): false {
    while (this.#headerUsed < LENGTH_BYTES && this.#at < this.#chunk.length) {
      this.#header[this.#headerUsed++] = this.#chunk[this.#at++] as number;
    }
    if (this.#at === this.#chunk.length) this.#forgetChunk();
    return false;
  }

  #forgetChunk(): void {
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#bytes = NOTHING;
  }

  #refuse(length: number): never {
    if (length > this.#maxBodyLength) {
      this.#fail(
        "IPC_FRAME_TOO_LARGE",
        `a frame announces a body of ${length} bytes, this side takes ${this.#maxBodyLength}; the peer exceeds the agreed maximum or does not speak this protocol`,
      );
    }
    this.#failShort(length, this.#minBodyLength);
  }

  #failShort(length: number, shortest: number): never {
    this.#fail(
      "IPC_FRAME_TOO_SHORT",
      `a frame announces a body of ${length} bytes, the shortest is ${shortest}; the peer does not speak this protocol`,
    );
  }

  #fail(code: FrameError["code"], message: string): never {
    this.#failure = new FrameError(code, message);
    this.#forgetChunk();
    this.#headerUsed = 0;
    this.#assembly = new ReassemblyBuffer(this.#allocate);
    throw this.#failure;
  }
}

function wholeNumber(name: string, value: number, min: number): number {
  if (Number.isInteger(value) && value >= min && value <= UINT32_MAX) return value;
  throw new RangeError(`${name}: takes a whole number of bytes, ${min} … ${UINT32_MAX}, got ${String(value)}`);
}
