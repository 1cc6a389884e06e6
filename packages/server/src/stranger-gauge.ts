/** Handshakes are counted over spans of this time, in milliseconds. */
const SPAN_MS = 1_000;

/**
 * Strangers: more handshakes in a span than this, of which fewer than one in 16 ends with a proof. If those were clients, nearly
 * all would miss their deadline.
 */
const MANY = 32;
const PROVED_SHARE = 16;

/** A crowd of clients that has just come may have proved nothing in its first span, but it has in the second. */
const SPANS_IN_A_ROW = 2;

/** Tells a flood of strangers from a crowd of clients: of a crowd, many have proved what the server asks for a second later. */
export class StrangerGauge {
  #spanEnd = performance.now() + SPAN_MS;
  #started = 0;
  #proved = 0;
  /** Spans in a row that were full of strangers, up to now. */
  #spans = 0;

  /** A client has sent enough for the server to spend processor time on it. */
  noteStarted(): void {
    this.#advance();
    this.#started++;
  }

  noteProved(): void {
    this.#advance();
    this.#proved++;
  }

  get isFlooded(): boolean {
    this.#advance();
    return this.#spans >= SPANS_IN_A_ROW;
  }

  #advance(): void {
    const now = performance.now();
    if (now < this.#spanEnd) return;
    const wereStrangers = this.#started > MANY && this.#proved * PROVED_SHARE < this.#started;
    this.#spans = wereStrangers && now < this.#spanEnd + SPAN_MS ? this.#spans + 1 : 0;
    this.#spanEnd = now + SPAN_MS;
    this.#started = 0;
    this.#proved = 0;
  }
}
