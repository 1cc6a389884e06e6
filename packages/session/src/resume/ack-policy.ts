import { startTimeLimit, type TimeLimit } from "../time-limit.js";

/** An ACK is due after so many messages, … */
const ACK_MESSAGES = 64;
/** … so many bytes of data, … */
const ACK_BYTES = 262_144;
/** … or so many milliseconds after the first thing that it tells. */
const ACK_MS = 20;

/**
 * Decides when to acknowledge. Under load it does so once in a tick, so that the ACK goes into the same batch as the messages of that
 * tick; otherwise after 20 ms.
 */
export class AckPolicy {
  readonly #send: () => boolean;
  readonly #dueBytes: number;
  #messages = 0;
  #bytes = 0;
  #isSoon = false;
  #limit: TimeLimit | undefined;
  #isStopped = true;

  /**
   * @param send sends what has not been acknowledged yet; returns false if an earlier ACK still waits in the send queue
   * @param bufferBytes what this side keeps, and so probably the peer: it must not wait for an ACK that is not due
   */
  constructor(send: () => boolean, bufferBytes: number) {
    this.#send = send;
    this.#dueBytes = Math.min(ACK_BYTES, bufferBytes / 4);
  }

  /** A connection is there to send ACKs on. */
  start(): void {
    this.#isStopped = false;
    this.note();
  }

  stop(): void {
    this.#isStopped = true;
    this.#limit?.cancel();
    this.#limit = undefined;
  }

  /** Notes a message with so many bytes of data. */
  onReceived(bytes: number): void {
    this.#messages++;
    this.#bytes += bytes;
    if (this.#messages < ACK_MESSAGES && this.#bytes < this.#dueBytes) this.note();
    else if (!this.#isSoon) {
      this.#isSoon = true;
      process.nextTick(this.#acknowledge);
    }
  }

  /** Notes that there is something to tell. */
  note(): void {
    if (this.#limit === undefined && !this.#isStopped) this.#limit = startTimeLimit(ACK_MS, this.#onTime);
  }

  readonly #onTime = (): void => {
    this.#limit = undefined;
    this.#acknowledge();
  };

  readonly #acknowledge = (): void => {
    this.#isSoon = false;
    if (this.#isStopped) return;
    if (!this.#send()) {
      this.note();
      return;
    }
    this.#messages = 0;
    this.#bytes = 0;
  };
}
