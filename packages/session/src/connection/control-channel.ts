import {
  type ControlFrame,
  type DeliveryCounts,
  decodeControlFrame,
  encodeControlFrame,
  type GoawayReason,
} from "../codec/control-frame.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import type { Sender } from "./sender.js";

const NO_COUNTS: DeliveryCounts = Object.freeze({ received: 0, taken: 0 });

/**
 * The control frames of one connection: answers PINGs, and sends and receives the others.
 *
 * A flood of PINGs costs no memory: at most one PONG is in the send queue, and when the kernel has it, the id of the newest PING
 * since then is answered. At most one PING is there, too, so a peer that does not read costs none either.
 */
export class ControlChannel {
  readonly #sender: Sender;
  readonly #onGoaway: (reason: GoawayReason) => void;
  readonly #session: ResumableSession | undefined;
  #lastPingId = 0;
  #isPingQueued = false;
  #isPongQueued = false;
  /** The newest PING that came while a PONG was in the send queue. */
  #unansweredId: number | undefined;

  /** @param onGoaway called with the reason of each GOAWAY. @param session gets the peer's counts; undefined: there is no resume */
  constructor(sender: Sender, onGoaway: (reason: GoawayReason) => void, session?: ResumableSession) {
    this.#sender = sender;
    this.#onGoaway = onGoaway;
    this.#session = session;
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
    this.#whenFlushed(() => {
      this.#isPingQueued = false;
    });
  }

  /** Announces an end, with the counts of the session. */
  goaway(reason: GoawayReason): void {
    this.#send({ op: "goaway", reason, ...(this.#session?.counts ?? NO_COUNTS) });
  }

  /** Acknowledges messages. Returns false if an earlier ACK still waits in the send queue. */
  acknowledge(counts: DeliveryCounts): boolean {
    return this.#sender.sendAck(encodeControlFrame({ op: "ack", ...counts }));
  }

  /** @throws SessionError IPC_RECORD_INVALID */
  receive(data: Uint8Array): void {
    const frame = decodeControlFrame(data);
    switch (frame?.op) {
      case "ping":
        this.#answer(frame.id);
        return;
      case "goaway":
        if (frame.reason === "draining") this.#session?.acknowledge(frame);
        else this.#session?.conclude(frame);
        this.#onGoaway(frame.reason);
        return;
      case "ack":
        this.#session?.acknowledge(frame);
        if (this.#session !== undefined) this.#sender.onRoom();
        return;
      case "pong":
      case undefined:
        return;
    }
  }

  #answer(id: number): void {
    if (this.#isPongQueued) {
      this.#unansweredId = id;
      return;
    }
    this.#isPongQueued = true;
    this.#send({ op: "pong", id });
    this.#whenFlushed(() => this.#onPongSent());
  }

  #onPongSent(): void {
    this.#isPongQueued = false;
    const id = this.#unansweredId;
    this.#unansweredId = undefined;
    if (id !== undefined) this.#answer(id);
  }

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
