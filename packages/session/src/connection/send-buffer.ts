import { LARGE_BYTES } from "../codec/codec.js";

const MIN_BATCH_BYTES = 4_096;

/**
 * Memory in which a tick's frames are gathered.
 *
 * ```
 *  | handed out | head frames … | tail, room |
 *               ^from          ^to
 * ```
 * Batches follow each other in one slab, so that small ones cost no allocation. Slabs grow with the traffic, 4 to 64 KiB,
 * and shrink with it; an idle connection keeps 4 KiB at most. What was handed out is never written again: the stream may hold
 * it by reference.
 */
export class SendBuffer {
  readonly #headroom: number;
  readonly #tailroom: number;
  #slab: Buffer | undefined;
  #nextBytes = MIN_BATCH_BYTES;
  #from = 0;
  #to = 0;
  /** Handed out since the last rest. */
  #usedBytes = 0;

  /** @param headroom and tail: bytes that are kept free before and behind the frames of each batch */
  constructor(headroom = 0, tailroom = 0) {
    this.#headroom = headroom;
    this.#tailroom = tailroom;
  }

  /** The longest frame that a batch takes. */
  get maxFrameBytes(): number {
    return LARGE_BYTES - this.#headroom - this.#tailroom;
  }

  /** Bytes that would be handed out now, head and tail included. */
  get length(): number {
    return this.#to === this.#from ? 0 : this.#to - this.#from + this.#tailroom;
  }

  hasRoom(bytes: number): boolean {
    return this.#slab !== undefined && this.end + bytes + this.#tailroom <= this.#slab.length;
  }

  /**
   * Starts a slab with room for a frame of `bytes`, at most `maxFrameBytes`. The last batch has been taken.
   * @param overflow the last slab was too small for one tick
   */
  open(bytes: number, overflow: boolean): void {
    if (overflow) this.#grow();
    while (this.#nextBytes < this.#headroom + bytes + this.#tailroom) this.#nextBytes *= 2;
    this.#slab = Buffer.allocUnsafeSlow(this.#nextBytes);
    this.#from = 0;
    this.#to = 0;
  }

  /** No frame is added before it is taken: the next one has more room. */
  fill(): void {
    if (this.#slab?.length === this.#nextBytes) this.#grow();
  }

  /** Where the next frame goes in `slab`. */
  get end(): number {
    return this.#to === this.#from ? this.#from + this.#headroom : this.#to;
  }

  /** Takes up the `bytes` that were written at `end`. */
  advance(bytes: number): void {
    this.#to = this.end + bytes;
  }

  get slab(): Buffer {
    if (this.#slab === undefined) throw new Error("a batch is opened before it is written");
    return this.#slab;
  }

  /** Hands out what was gathered, head and tail included. */
  take(): Buffer {
    const end = this.#to + this.#tailroom;
    const batch = this.slab.subarray(this.#from, end);
    this.#usedBytes += batch.length;
    this.#from = end;
    this.#to = end;
    return batch;
  }

  /** For a connection with nothing under way: lets a large slab go. Where that was little used, the next one is small again. */
  shrink(): void {
    const usedBytes = this.#usedBytes;
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
