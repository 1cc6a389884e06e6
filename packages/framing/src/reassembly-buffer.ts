/** Allocates exactly this many bytes. */
export type AllocateBuffer = (bytes: number) => Uint8Array;

/** Is given memory that is not used any more. */
export type FreeBuffer = (memory: Uint8Array) => void;

/** Chunks of at least this size are kept as they are; smaller ones are copied together. */
const KEPT_WHOLE_BYTES = 4_096;

/** Memory for a frame of at most this size is allocated with its first piece, in bytes. */
const SMALL_FRAME_BYTES = 4_096;

/** Size of the first block for small chunks, in bytes; later blocks double up to the largest size. */
const FIRST_BLOCK_BYTES = 256;
const LARGEST_BLOCK_BYTES = 65_536;

/**
 * Collects the pieces of one frame that arrives in many chunks.
 *
 * A small frame is allocated at once. For others, memory grows with the received bytes, never with the announced length: large
 * chunks are kept as views, small ones are copied into blocks that double (one-byte chunks kept one by one would cost some 380
 * bytes each), and the frame is assembled once: when it is complete, or when half of it is there and `absorb` copies the rest.
 */
export class ReassemblyBuffer {
  readonly #allocate: AllocateBuffer;
  readonly #free: FreeBuffer | undefined;
  /** The memory of a small frame, or of a large one since `absorb` has allocated it. */
  #whole: Uint8Array | undefined;
  #parts: Uint8Array[] = [];
  #block: Uint8Array | undefined;
  #blockUsed = 0;
  #blockSize = FIRST_BLOCK_BYTES;
  #length = 0;

  /**
   * @param allocate returns the memory in which the complete frame is assembled
   * @param free is given each piece that was copied there and that is not part of a block; may detach it
   */
  constructor(allocate: AllocateBuffer, free?: FreeBuffer) {
    this.#allocate = allocate;
    this.#free = free;
  }

  /** Bytes collected so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * @param frameLength bytes of the complete frame, the same for each of its pieces; all pieces together are at most as long
   * @throws RangeError when the allocated memory has another length; the piece is not added then
   */
  add(piece: Uint8Array, frameLength: number): void {
    if (this.#length === 0 && frameLength <= SMALL_FRAME_BYTES) this.#whole = this.#allocateExactly(frameLength);
    const { length } = piece;
    if (this.#whole === undefined) {
      this.#keep(piece);
    } else {
      this.#whole.set(piece, this.#length);
      this.#free?.(piece);
    }
    this.#length += length;
  }

  /**
   * Copies a piece into the memory of the frame, which it allocates when half of the frame is there. Returns false, and does nothing,
   * before that, and if it gets no memory: `take` throws if it gets none either.
   */
  absorb(piece: Uint8Array, frameLength: number): boolean {
    if (this.#whole === undefined) {
      if (2 * this.#length < frameLength) return false;
      try {
        this.#whole = this.#join(frameLength);
      } catch {
        return false;
      }
    }
    this.#whole.set(piece, this.#length);
    this.#length += piece.length;
    this.#free?.(piece);
    return true;
  }

  #keep(piece: Uint8Array): void {
    if (piece.length >= KEPT_WHOLE_BYTES) {
      this.#sealBlock();
      this.#parts.push(piece);
      // The sealed block keeps its unused end, so start small again: large and small chunks in turn would cost 64 KiB a pair.
      this.#blockSize = FIRST_BLOCK_BYTES;
      return;
    }
    let rest = piece;
    while (rest.length > 0) {
      const block = this.#roomyBlock();
      const fits = Math.min(rest.length, block.length - this.#blockUsed);
      block.set(rest.subarray(0, fits), this.#blockUsed);
      this.#blockUsed += fits;
      rest = rest.subarray(fits);
    }
  }

  /**
   * Returns the complete frame in one array and starts over.
   * @throws RangeError when the allocated memory has another length; the pieces are kept then
   */
  take(): Uint8Array {
    const whole = this.#whole ?? this.#join(this.#length);
    this.#whole = undefined;
    this.#length = 0;
    return whole;
  }

  #join(bytes: number): Uint8Array {
    // Allocate first: if that fails, small pieces are still added to the same block.
    const whole = this.#allocateExactly(bytes);
    this.#sealBlock();
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
      this.#free?.(part);
    }
    this.#parts = [];
    this.#blockSize = FIRST_BLOCK_BYTES;
    return whole;
  }

  #allocateExactly(bytes: number): Uint8Array {
    const memory = this.#allocate(bytes);
    if (memory.length === bytes) return memory;
    throw new RangeError(`allocate: returned ${memory.length} bytes, requested ${bytes}`);
  }

  #roomyBlock(): Uint8Array {
    if (this.#block !== undefined && this.#blockUsed < this.#block.length) return this.#block;
    this.#sealBlock();
    this.#block = new Uint8Array(this.#blockSize);
    this.#blockSize = Math.min(this.#blockSize * 2, LARGEST_BLOCK_BYTES);
    return this.#block;
  }

  #sealBlock(): void {
    if (this.#block === undefined) return;
    this.#parts.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = undefined;
    this.#blockUsed = 0;
  }
}
