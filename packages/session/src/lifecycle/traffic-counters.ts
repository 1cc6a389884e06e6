import type { Sender } from "../connection/sender.js";
import type { PeerStats } from "../peer.js";

/** Counts messages and bytes over all connections of a peer. */
export class TrafficCounters {
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

  /** Grows with each message, also with an empty one. */
  get progress(): number {
    return this.#messagesReceived + this.#bytesReceived;
  }

  /** Adds the accepted messages and bytes of a connection that has ended. */
  disconnected(sender: Sender): void {
    this.#messagesSent += sender.acceptedMessages;
    this.#bytesSent += sender.acceptedBytes;
  }

  stats(sender: Sender | undefined, unreadBytes: number, unawaitedRejections: number): PeerStats {
    return {
      messagesReceived: this.#messagesReceived,
      messagesSent: this.#messagesSent + (sender?.acceptedMessages ?? 0),
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent + (sender?.acceptedBytes ?? 0),
      queuedBytes: sender?.queuedBytes ?? 0,
      unreadBytes,
      unawaitedRejections,
      reconnects: Math.max(0, this.#connections - 1),
    };
  }
}
