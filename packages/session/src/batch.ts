const SMALLEST_BYTES = 4_096;

/** The most that a batch holds: about what one system call moves. */
export const LARGEST_BATCH_BYTES = 65_536;

/**
 * Memory in which a tick's frames are gathered.
 *
 * ```
 *  | handed out | this batch | room |
 *               ^from        ^to
 * ```
 * Batches follow each other in one slab, so that small ones cost no allocation. Slabs grow with the traffic, 4 to 64 KiB,
 * and an idle connection keeps 4 KiB at most. What was handed out is never written again: the stream may hold it by reference.
 */
export class Batch {
  #slab: Buffer | undefined;
  #nextBytes = SMALLEST_BYTES;
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  hasRoom(bytes: number): boolean {
    return this.#slab !== undefined && this.#to + bytes <= this.#slab.length;
  }

  /**
   * Starts a slab with room for `bytes`, at most LARGEST_BATCH_BYTES. The last batch has been taken.
   * @param overflow the last slab was too small for one tick
   */
  open(bytes: number, overflow: boolean): void {
    if (overflow && this.#nextBytes < LARGEST_BATCH_BYTES) this.#nextBytes *= 2;
    while (this.#nextBytes < bytes) this.#nextBytes *= 2;
    this.#slab = Buffer.allocUnsafeSlow(this.#nextBytes);
    this.#from = 0;
    this.#to = 0;
  }

  /** Where the next frame goes in `slab`. */
  get end(): number {
    return this.#to;
  }

  /** Takes up the `bytes` that were written at `end`. */
  advance(bytes: number): void {
    this.#to += bytes;
  }

  get slab(): Buffer {
    if (this.#slab === undefined) throw new Error("a batch is opened before it is written");
    return this.#slab;
  }

  /** Hands out what was gathered. */
  take(): Buffer {
    const batch = this.slab.subarray(this.#from, this.#to);
    this.#from = this.#to;
    return batch;
  }

  /** Lets a large slab go: for a connection with nothing under way. */
  rest(): void {
    if (this.#slab === undefined || this.#slab.length === SMALLEST_BYTES) return;
    this.#slab = undefined;
    this.#from = 0;
    this.#to = 0;
    this.#nextBytes = SMALLEST_BYTES;
  }
}
