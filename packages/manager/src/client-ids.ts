const FIRST_BEHIND_PORTS = 65_536;

/**
 * Hands out the ids of clients, each once. Where slots are ports, a slot's id is part of its port: clients of the shared
 * door are counted from behind the last port there, so that they use up none.
 */
export class ClientIds {
  #slot = 0;
  #shared: number | undefined;

  constructor(slotsArePorts: boolean) {
    this.#shared = slotsArePorts ? FIRST_BEHIND_PORTS - 1 : undefined;
  }

  /** For the next slot. */
  nextSlot(): number {
    this.#slot++;
    return this.#slot;
  }

  /** For the next client of the shared door. */
  nextShared(): number {
    if (this.#shared === undefined) return this.nextSlot();
    this.#shared++;
    return this.#shared;
  }
}
