import type { Outbox } from "./outbox.js";
import type { PeerStats } from "./peer.js";

/** Counts what passes, over all connections of a peer. */
export class Traffic {
  #connections = 0;
  #messagesReceived = 0;
  #bytesReceived = 0;
  #messagesSent = 0;
  #bytesSent = 0;

  connected(): void {
    this.#connections++;
  }

  received(bytes: number): void {
    this.#messagesReceived++;
    this.#bytesReceived += bytes;
  }

  /** Adds what a connection that has ended had accepted. */
  disconnected(outbox: Outbox): void {
    this.#messagesSent += outbox.acceptedMessages;
    this.#bytesSent += outbox.acceptedBytes;
  }

  stats(outbox: Outbox | undefined, unreadBytes: number): PeerStats {
    return {
      messagesReceived: this.#messagesReceived,
      messagesSent: this.#messagesSent + (outbox?.acceptedMessages ?? 0),
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent + (outbox?.acceptedBytes ?? 0),
      queuedBytes: outbox?.queuedBytes ?? 0,
      unreadBytes,
      reconnects: Math.max(0, this.#connections - 1),
    };
  }
}
