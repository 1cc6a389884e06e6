import type { Amount } from "../output/frame-output.js";
import type { PeerStats } from "../peer.js";
import type { ResumableSession } from "../resume/resumable-session.js";

/** The messages that a sender has accepted, and those that it still holds. */
export interface SenderCounts {
  readonly acceptedMessages: number;
  readonly acceptedBytes: number;
  readonly queuedBytes: number;
  /** Messages that its session does not keep yet. */
  readonly unkept: Amount;
}

/** Counts messages and bytes over all connections of a peer. */
export class TrafficCounters {
  #connections = 0;
  #resumes = 0;
  #messagesReceived = 0;
  #bytesReceived = 0;
  #messagesSent = 0;
  #bytesSent = 0;

  connected(): void {
    this.#connections++;
  }

  resumed(): void {
    this.#resumes++;
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
  disconnected(sender: SenderCounts): void {
    this.#messagesSent += sender.acceptedMessages;
    this.#bytesSent += sender.acceptedBytes;
  }

  stats(
    { sender, session }: { readonly sender?: SenderCounts; readonly session?: ResumableSession | undefined },
    unreadBytes: number,
    unawaitedRejections: number,
  ): PeerStats {
    const { messages = 0, bytes = 0 } = session?.resend ?? {};
    const unkept = session === undefined ? undefined : sender?.unkept;
    return {
      messagesReceived: this.#messagesReceived,
      messagesSent: this.#messagesSent + (sender?.acceptedMessages ?? 0),
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent + (sender?.acceptedBytes ?? 0),
      queuedBytes: sender?.queuedBytes ?? 0,
      unreadBytes,
      unawaitedRejections,
      reconnects: Math.max(0, this.#connections - 1),
      resumes: this.#resumes,
      unacknowledgedMessages: messages + (unkept?.messages ?? 0),
      unacknowledgedBytes: bytes + (unkept?.bytes ?? 0),
    };
  }
}
