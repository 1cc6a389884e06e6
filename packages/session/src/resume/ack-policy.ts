import { MESSAGE_HEADER_BYTES } from "@ipc/framing";
import { startTimeLimit, type TimeLimit } from "../time-limit.js";

/** An ACK is due after so many bytes of frames, … */
const ACK_BYTES = 262_144;

/** … or so many milliseconds after the first thing that it tells, … */
const ACK_MS = 20;

/** … and after so many messages in this much time instead: their sender may wait for it. */
const BURST_MESSAGES = 64;
const BURST_MS = 2;

/**
 * Decides when to acknowledge. Each ACK wakes up a side that may only write, so under load thousands of messages share one, which goes
 * into the same batch as the messages of that tick.
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

  /** Notes messages that were received. @param bytes of their data */
  onReceived(messages: number, bytes: number): void {
    const before = this.#messages;
    this.#messages += messages;
    this.#bytes += messages * MESSAGE_HEADER_BYTES + bytes;
    if (this.#bytes >= this.#dueBytes) {
      if (this.#isSoon) return;
      this.#isSoon = true;
      process.nextTick(this.#acknowledge);
    } else if (before < BURST_MESSAGES && this.#messages >= BURST_MESSAGES) {
      this.#limit?.cancel();
      this.#wait(BURST_MS);
    } else this.note();
  }

  /** Notes that there is something to tell. */
  note(): void {
    if (this.#limit === undefined) this.#wait(ACK_MS);
  }

  #wait(ms: number): void {
    if (!this.#isStopped) this.#limit = startTimeLimit(ms, this.#onTime);
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
