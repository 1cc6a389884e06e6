/** A stream that gives this much at once has more to give: Node reads on, up to 32 times before the loop goes on. */
const FULL_BYTES = 65_536;

/** For how long one connection may keep the loop from its turn, in milliseconds. */
const TURN_MS = 4;

/** Tells when a connection that reads a flood has to let the loop have its turn. */
export class ReadTurn {
  /** When the row of full chunks began. */
  #since: number | undefined;
  readonly #now: () => number;

  /** @param now milliseconds on a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Before a chunk is worked on. */
  begin(bytes: number): void {
    if (bytes < FULL_BYTES) this.#since = undefined;
    else this.#since ??= this.#now();
  }

  /** After that. True when timers and other connections have waited long enough. */
  isOver(): boolean {
    if (this.#since === undefined || this.#now() - this.#since < TURN_MS) return false;
    this.#since = undefined;
    return true;
  }
}
