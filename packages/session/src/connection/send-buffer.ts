import { LARGE_BYTES } from "../codec/codec.js";

const MIN_BATCH_BYTES = 4_096;

/**
 * Collects the frames of one tick in memory.
 *
 * ```
 *  | handed out | headroom, frames … | tailroom, free |
 *               ^from                ^to
 * ```
 * Consecutive batches share one slab, so small batches need no allocation. Slabs grow and shrink with the traffic, from 4 to
 * 64 KiB; an idle connection keeps at most 4 KiB. Handed-out bytes are never overwritten, because the stream may hold them by
 * reference.
 */
export class SendBuffer {
  readonly #headroom: number;
  readonly #tailroom: number;
  #slab: Buffer | undefined;
  #nextBytes = MIN_BATCH_BYTES;
  #from = 0;
  #to = 0;
  /** Bytes handed out since the last `shrink`. */
  #usedBytes = 0;

  /** @param headroom, tailroom bytes kept free before and after the frames of each batch */
  constructor(headroom = 0, tailroom = 0) {
    this.#headroom = headroom;
    this.#tailroom = tailroom;
  }

  /** The longest frame that fits into a batch, in bytes. */
  get maxFrameBytes(): number {
    return LARGE_BYTES - this.#headroom - this.#tailroom;
  }

  /** Bytes that `take` would return now, including headroom and tailroom; 0 without a frame. */
  get length(): number {
    return this.#to === this.#from ? 0 : this.#to - this.#from + this.#tailroom;
  }

  hasRoom(bytes: number): boolean {
    return this.#slab !== undefined && this.end + bytes + this.#tailroom <= this.#slab.length;
  }

  /**
   * Allocates a slab with room for a frame of `bytes`, at most `maxFrameBytes`. Call `take` first.
   * @param overflow whether the last slab was too small for one tick
   */
  open(bytes: number, overflow: boolean): void {
    if (overflow) this.fill();
    while (this.#nextBytes < this.#headroom + bytes + this.#tailroom) this.#nextBytes *= 2;
    this.#slab = Buffer.allocUnsafeSlow(this.#nextBytes);
    this.#from = 0;
    this.#to = 0;
  }

  /** Marks the batch as full: no frame is added before `take`, and the next slab is larger. */
  fill(): void {
    if (this.#slab?.length === this.#nextBytes) this.#grow();
  }

  /** Offset of the next frame in `slab`, in bytes. */
  get end(): number {
    return this.#to === this.#from ? this.#from + this.#headroom : this.#to;
  }

  /** Adds the `bytes` written at `end` to the batch. */
  advance(bytes: number): void {
    this.#to = this.end + bytes;
  }

  get slab(): Buffer {
    if (this.#slab === undefined) throw new Error("a batch is opened before it is written");
    return this.#slab;
  }

  /** Returns the batch, including headroom and tailroom, and starts the next one behind it. */
  take(): Buffer {
    const end = this.#to + this.#tailroom;
    const batch = this.slab.subarray(this.#from, end);
    this.#usedBytes += batch.length;
    this.#from = end;
    this.#to = end;
    return batch;
  }

  /** Frees a large slab of an idle connection. If little of it was used, the next slab has the minimum size again. */
  shrink(): void {
    const usedBytes = this.#usedBytes;
    // Each write of a tick reports its end, and only the first report after them finds out how much was used.
    if (usedBytes === 0) return;
    this.#usedBytes = 0;
    if (usedBytes < this.#nextBytes / 4) this.#nextBytes = MIN_BATCH_BYTES;
    if (this.#slab === undefined || this.#slab.length === MIN_BATCH_BYTES) return;
    this.#slab = undefined;
    this.#from = 0;
    this.#to = 0;
  }

  #grow(): void {
    if (this.#nextBytes < LARGE_BYTES) this.#nextBytes *= 2;
  }
}
