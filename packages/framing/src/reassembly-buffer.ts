/** Allocates exactly this many bytes. */
export type AllocateBuffer = (bytes: number) => Uint8Array;

/** Chunks of at least this size are kept as they are; smaller ones are copied together. */
const KEPT_WHOLE_BYTES = 4_096;

/** Size of the first block for small chunks, in bytes; later blocks double up to the largest size. */
const FIRST_BLOCK_BYTES = 256;
const LARGEST_BLOCK_BYTES = 65_536;

/**
 * Collects the pieces of one frame that arrives in many chunks.
 *
 * Memory grows with the received bytes, never with the announced length: large chunks are kept as views, small ones are copied
 * into blocks that double (one-byte chunks kept one by one would cost some 380 bytes each), and the frame is assembled once,
 * when it is complete.
 */
export class ReassemblyBuffer {
  readonly #allocate: AllocateBuffer;
  #parts: Uint8Array[] = [];
  #block: Uint8Array | undefined;
  #blockUsed = 0;
  #blockSize = FIRST_BLOCK_BYTES;
  #length = 0;

  /** @param allocate returns the memory in which the complete frame is assembled */
  constructor(allocate: AllocateBuffer) {
    this.#allocate = allocate;
  }

  /** Bytes collected so far. */
  get length(): number {
    return this.#length;
  }

  add(piece: Uint8Array): void {
    this.#length += piece.length;
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
   * Copies everything into one array and starts over.
   * @throws RangeError when the allocated memory has another length
   */
  take(): Uint8Array {
    this.#sealBlock();
    const whole = this.#allocate(this.#length);
    if (whole.length !== this.#length)
      throw new RangeError(`allocate: returned ${whole.length} bytes, requested ${this.#length}`);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#blockSize = FIRST_BLOCK_BYTES;
    this.#length = 0;
    return whole;
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
