const FIRST_CAPACITY = 4;

/**
 * A queue in a ring buffer that doubles when full, so adding and removing take constant time.
 *
 * ```
 *  slots   . . A B C D . .      head = 2, length = 4, capacity a power of two
 * ```
 */
export class Fifo<T> {
  #slots: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length++;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    // Free the ring of a burst, so that an idle peer does not keep it.
    if (this.#length === 0 && this.#slots.length > 1_024) this.#slots = [];
    return item;
  }

  /** Returns the item at `index`, 0 … length-1, counted from the oldest. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return this.#slots[(this.#head + index) & (this.#slots.length - 1)];
  }

  replaceAt(index: number, item: T): void {
    if (index < 0 || index >= this.#length) throw new RangeError(`index: takes 0 … ${this.#length - 1}, got ${index}`);
    this.#slots[(this.#head + index) & (this.#slots.length - 1)] = item;
  }

  /** Removes every item for which `keep` returns false. Visits the whole queue, so use it rarely. */
  filter(keep: (item: T, index: number) => boolean): void {
    const kept: T[] = [];
    for (let index = 0; index < this.#length; index++) {
      const item = this.at(index) as T;
      if (keep(item, index)) kept.push(item);
    }
    this.#slots = [];
    this.#head = 0;
    this.#length = 0;
    for (const item of kept) this.push(item);
  }

  #grow(): void {
    const grown: (T | undefined)[] = new Array(Math.max(FIRST_CAPACITY, this.#slots.length * 2));
    for (let index = 0; index < this.#length; index++) grown[index] = this.at(index);
    this.#slots = grown;
    this.#head = 0;
  }
}
