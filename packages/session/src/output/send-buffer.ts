import { LARGE_BYTES } from "../codec/codec.js";

const MIN_BATCH_BYTES = 4_096;

const NO_MEMORY = Buffer.alloc(0);

/**
 * Collects the frames of one tick in memory.
 *
 * ```
 *  | handed out | headroom, frames … | tailroom, free |
 *               ^from                ^end
 * ```
 * Consecutive batches share one slab, so small batches need no allocation. Slabs grow and shrink with the traffic, from 4 to
 * 64 KiB; an idle connection keeps at most 4 KiB. Handed-out bytes are never overwritten, because the stream may hold them by
 * reference.
 */
export class SendBuffer {
  readonly #headroom: number;
  readonly #tailroom: number;
  #slab: Buffer = NO_MEMORY;
  #nextBytes = MIN_BATCH_BYTES;
  #from = 0;
  /** Offset of the next frame. */
  #end: number;
  /** Frames may reach so far. */
  #limit = 0;
  /** Bytes handed out since the last `shrink`. */
  #usedBytes = 0;

  /** @param headroom, tailroom bytes kept free before and after the frames of each batch */
  constructor(headroom = 0, tailroom = 0) {
    this.#headroom = headroom;
    this.#tailroom = tailroom;
    this.#end = headroom;
  }

  /** The longest frame that fits into a batch, in bytes. */
  get maxFrameBytes(): number {
    return LARGE_BYTES - this.#headroom - this.#tailroom;
  }

  /** Bytes that `take` would return now, including headroom and tailroom; 0 without a frame. */
  get length(): number {
    const bytes = this.#end - this.#from;
    return bytes === this.#headroom ? 0 : bytes + this.#tailroom;
  }

  hasRoom(bytes: number): boolean {
    return this.#end + bytes <= this.#limit;
  }

  /**
   * Makes room for a frame of at most `maxFrameBytes`; a batch that has outgrown its slab moves to a larger one, because a copy costs
   * less than another write. Returns false if the batch would be longer than 64 KiB: call `take` first.
   */
  makeRoom(bytes: number): boolean {
    if (this.hasRoom(bytes)) return true;
    const gathered = this.#end - this.#from;
    const needed = gathered + bytes + this.#tailroom;
    if (needed > LARGE_BYTES) return false;
    while (this.#nextBytes < needed) this.#nextBytes *= 2;
    const slab = Buffer.allocUnsafeSlow(this.#nextBytes);
    if (gathered > this.#headroom) this.#slab.copy(slab, 0, this.#from, this.#end);
    this.#begin(slab, gathered);
    return true;
  }

  /** Offset of the next frame in `slab`, in bytes. */
  get end(): number {
    return this.#end;
  }

  /** Adds the `bytes` written at `end`, at least one, to the batch. Returns its `length`. */
  advance(bytes: number): number {
    this.#end += bytes;
    return this.#end - this.#from + this.#tailroom;
  }

  get slab(): Buffer {
    return this.#slab;
  }

  /** Returns the batch, including headroom and tailroom, and starts the next one behind it. */
  take(): Buffer {
    const end = this.#end + this.#tailroom;
    const batch = this.#slab.subarray(this.#from, end);
    this.#usedBytes += batch.length;
    this.#from = end;
    this.#end = end + this.#headroom;
    return batch;
  }

  /** Frees a large slab of an idle connection. If little of it was used, the next slab has the minimum size again. */
  shrink(): void {
    const usedBytes = this.#usedBytes;
    // Each write of a tick reports its end, and only the first report after them finds out how much was used.
    if (usedBytes === 0) return;
    this.#usedBytes = 0;
    if (usedBytes < this.#nextBytes / 4) this.#nextBytes = MIN_BATCH_BYTES;
    if (this.#slab.length > MIN_BATCH_BYTES) this.#begin(NO_MEMORY, this.#headroom);
  }

  #begin(slab: Buffer, end: number): void {
    this.#slab = slab;
    this.#from = 0;
    this.#end = end;
    this.#limit = slab.length - this.#tailroom;
  }
}
