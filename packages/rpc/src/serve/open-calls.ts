/**
 * Calls by their ids, in the order of adding. The latest is kept beside the Map, because most handlers answer before the next call
 * begins, and a Map that is filled and emptied for each call allocates a table each time.
 */
export class OpenCalls<C extends { readonly id: number }> {
  readonly #earlier = new Map<number, C>();
  #latest: C | undefined;

  get size(): number {
    return this.#latest === undefined ? this.#earlier.size : this.#earlier.size + 1;
  }

  get(id: number): C | undefined {
    const latest = this.#latest;
    return latest !== undefined && latest.id === id ? latest : this.#earlier.get(id);
  }

  /** Adds a call, whose id none of them has. */
  add(call: C): void {
    if (this.#latest !== undefined) this.#earlier.set(this.#latest.id, this.#latest);
    this.#latest = call;
  }

  /** Removes a call; nothing if it is not there, even if another one has its id. */
  delete(call: C): void {
    if (this.#latest === call) this.#latest = undefined;
    else if (this.#earlier.get(call.id) === call) this.#earlier.delete(call.id);
  }

  /** Calls may be removed meanwhile. */
  *values(): IterableIterator<C> {
    yield* this.#earlier.values();
    if (this.#latest !== undefined) yield this.#latest;
  }
}
