import {
  type ControlFrame,
  decodeControlFrame,
  encodeControlFrame,
  type GoawayReason,
} from "../codec/control-frame.js";
import type { Sender } from "./sender.js";

/**
 * The control frames of one connection: answers PINGs, and sends and receives the others.
 *
 * A flood of PINGs costs no memory: at most one PONG is in the send queue, and when the kernel has it, the id of the newest PING
 * since then is answered. At most one PING is there, too, so a peer that does not read costs none either.
 */
export class ControlChannel {
  readonly #sender: Sender;
  readonly #onGoaway: (reason: GoawayReason) => void;
  #lastPingId = 0;
  #isPingQueued = false;
  #isPongQueued = false;
  /** The newest PING that came while a PONG was in the send queue. */
  #unansweredId: number | undefined;

  /** @param onGoaway called with the reason of each GOAWAY */
  constructor(sender: Sender, onGoaway: (reason: GoawayReason) => void) {
    this.#sender = sender;
    this.#onGoaway = onGoaway;
  }

  /**
   * Sends a PING; the peer's answer, like all that it sends, shows that it still reads. Sends none while one is in the send queue:
   * the peer reads no more than it is sent.
   */
  ping(): void {
    if (this.#isPingQueued) return;
    this.#isPingQueued = true;
    this.#lastPingId = (this.#lastPingId + 1) >>> 0;
    this.#send({ op: "ping", id: this.#lastPingId });
    this.#whenFlushed(this.#onPingSent);
  }

  /** Announces an end. The counts are 0: no connection can be resumed. */
  goaway(reason: GoawayReason): void {
    this.#send({ op: "goaway", reason, received: 0n, taken: 0n });
  }

  /** @throws SessionError IPC_RECORD_INVALID */
  readonly receive = (data: Uint8Array): void => {
    const frame = decodeControlFrame(data);
    switch (frame?.op) {
      case "ping":
        this.#answer(frame.id);
        return;
      case "goaway":
        this.#onGoaway(frame.reason);
        return;
      case "pong":
      case undefined:
        return;
    }
  };

  #answer(id: number): void {
    if (this.#isPongQueued) {
      this.#unansweredId = id;
      return;
    }
    this.#isPongQueued = true;
    this.#send({ op: "pong", id });
    this.#whenFlushed(this.#onPongSent);
  }

  readonly #onPingSent = (): void => {
    this.#isPingQueued = false;
  };

  readonly #onPongSent = (): void => {
    this.#isPongQueued = false;
    const id = this.#unansweredId;
    this.#unansweredId = undefined;
    if (id !== undefined) this.#answer(id);
  };

  /** A stream that writes synchronously has flushed already. */
  #whenFlushed(sent: () => void): void {
    (this.#sender.flushed() ?? Promise.resolve()).then(sent, ignore);
  }

  #send(frame: ControlFrame): void {
    this.#sender.sendControl(encodeControlFrame(frame));
  }
}

/** The connection reports its end itself. */
function ignore(): void {}
