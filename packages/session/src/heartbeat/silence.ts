/** PINGs that stay unanswered before a peer counts as silent. */
const UNANSWERED_PINGS = 3;

/** A heartbeat's times, in ticks of its timer. */
export interface HeartbeatTicks {
  /** From the last byte to a PING, and from one PING to the next; 0: never. */
  readonly ping: number;
  /** From the last byte to the end of the connection; 0: never. */
  readonly idle: number;
}

/** The action that is due after a tick. */
export type Due = "nothing" | "ping" | "silent" | "idle";

/** How long nothing has arrived on one connection, in ticks. */
export class Silence {
  readonly #ticks: HeartbeatTicks;
  /** Ticks without a byte; those in which this side's own input was paused do not count. */
  #length = 0;
  /** Ticks since the last byte or PING. */
  #sincePing = 0;
  #isNoticed = false;
  /** None yet, so that the first tick finds that bytes have arrived: silence begins with a whole tick. */
  #receivedBytes = -1;

  constructor(ticks: HeartbeatTicks) {
    this.#ticks = ticks;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes that had been received when the silence began. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Whether `tick` has returned "silent", and no byte has arrived since. */
  get isNoticed(): boolean {
    return this.#isNoticed;
  }

  /** Begins anew, because bytes have arrived. @param receivedBytes how many so far */
  end(receivedBytes: number): void {
    this.#receivedBytes = receivedBytes;
    this.#length = 0;
    this.#sincePing = 0;
    this.#isNoticed = false;
  }

  /**
   * Counts one tick without a byte.
   *
   * A side that does not read cannot know whether its peer is silent. It sends PINGs all the same, because the peer may have sent
   * all that it wanted to, and would hear nothing from this side.
   */
  tick(isInputPaused: boolean): Due {
    const { ping, idle } = this.#ticks;
    this.#sincePing++;
    if (!isInputPaused) {
      this.#length++;
      if (idle > 0 && this.#length >= idle) return "idle";
      if (this.#isNoticed) return "nothing";
      // The last PING has had as much time for its answer as the others.
      if (ping > 0 && this.#length >= (UNANSWERED_PINGS + 1) * ping) {
        this.#isNoticed = true;
        return "silent";
      }
    }
    if (ping === 0 || this.#sincePing < ping) return "nothing";
    this.#sincePing = 0;
    return "ping";
  }
}
