import { setImmediate } from "node:timers";
import { startTimeLimit, type TimeLimit } from "../time-limit.js";

/** An ACK is due after so many messages, … */
const ACK_MESSAGES = 64;
/** … so many bytes of data, … */
const ACK_BYTES = 262_144;
/** … or as soon as there was none for so many milliseconds. */
const ACK_MS = 20;

/**
 * Decides when to acknowledge. Under load it does so once in a tick, so that the ACK goes into the same batch as the messages of that
 * tick; otherwise at most once in 20 ms, and at once if there was none for that long: a single message does not wait.
 */
export class AckPolicy {
  readonly #send: () => boolean;
  readonly #dueBytes: number;
  #messages = 0;
  #bytes = 0;
  #isSoon = false;
  /** When the last one was sent, or tried. */
  #lastAt = Number.NEGATIVE_INFINITY;
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
    if (this.#limit !== undefined || this.#isSoon || this.#isStopped) return;
    const restMs = this.#lastAt + ACK_MS - performance.now();
    if (restMs > 0) {
      this.#limit = startTimeLimit(restMs, this.#onTime);
      return;
    }
    this.#isSoon = true;
    // Behind the microtasks, in which a reader may take the message.
    setImmediate(this.#acknowledge);
  }

  readonly #onTime = (): void => {
    this.#limit = undefined;
    this.#acknowledge();
  };

  readonly #acknowledge = (): void => {
    this.#isSoon = false;
    if (this.#isStopped) return;
    this.#lastAt = performance.now();
    if (!this.#send()) {
      this.note();
      return;
    }
    this.#messages = 0;
    this.#bytes = 0;
  };
}
