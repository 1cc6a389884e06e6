const STEP = 0x6d2b79f5;
const UINT32_VALUES = 2 ** 32;

/**
 * Chance that a seed decides, so that what it led to can be led to again. Nothing secret comes from here.
 *
 * Mulberry32 by Tommy Ettinger (public domain): neighbouring seeds give unrelated numbers, so runs are simply counted.
 */
export class SeededRandom {
  #state: number;

  /** @param seed 0 … 2^32-1 */
  constructor(seed: number) {
    if (!(Number.isInteger(seed) && seed >= 0 && seed < UINT32_VALUES))
      throw new RangeError(`seed: takes a whole number of 0 … ${UINT32_VALUES - 1}, got ${String(seed)}`);
    this.#state = seed;
  }

  /** A whole number, 0 … 2^32-1. */
  uint32(): number {
    this.#state = (this.#state + STEP) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number of `min` … `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor((this.uint32() / UINT32_VALUES) * (max - min + 1));
  }

  /** A whole number of `min` … `max`, small ones as likely as large ones of ten times their size; `min` from 1 up. */
  magnitude(min: number, max: number): number {
    return Math.round(min * (max / min) ** (this.uint32() / UINT32_VALUES));
  }

  /** True this often, 0 … 1. */
  chance(share: number): boolean {
    return this.uint32() < share * UINT32_VALUES;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("list: takes at least one thing to pick from");
    return list[this.integer(0, list.length - 1)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.uint32());
  }
}
