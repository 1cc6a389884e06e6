import { MESSAGE_HEADER_BYTES } from "@ipc/framing";
import { Fifo } from "../inbox/fifo.js";
import type { ReceivedMessage } from "../message.js";
import type { ResumableSession } from "./resumable-session.js";

export interface SessionInputOptions {
  readonly session: ResumableSession;
  /** As many bytes are read past a full inbox as the peer may keep, if its limit is the same: these, and one message. */
  readonly limit: number;
  readonly isFull: () => boolean;
  /** Whether a write or a flush waits until the peer has acknowledged messages. */
  readonly isBlocked: () => boolean;
  readonly deliver: (message: ReceivedMessage) => void;
  /** Stops the stream, and lets it flow again. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/**
 * The input of one connection of a session. The acknowledgements that a waiting write needs lie behind messages of the peer, so while
 * one waits, messages are read on past a full inbox. They count as received only when the inbox has taken them: if the connection ends
 * before, the peer sends them again.
 */
export class SessionInput {
  readonly #options: SessionInputOptions;
  readonly #held = new Fifo<ReceivedMessage>();
  #heldBytes = 0;
  #lastBytes = 0;

  constructor(options: SessionInputOptions) {
    this.#options = options;
  }

  receive(message: ReceivedMessage): void {
    if (this.#held.length > 0 || this.#options.isFull()) this.#hold(message);
    else this.#accept(message);
  }

  /** The inbox is full. */
  onFull(): void {
    if (!this.#mayReadOn) this.#options.pause();
  }

  /** A write or a flush begins to wait. */
  onWaiting(): void {
    if (this.#options.isFull() && this.#mayReadOn) this.#options.resume();
  }

  /** The inbox has room. */
  onRoom(): void {
    while (!this.#options.isFull()) {
      const message = this.#held.shift();
      if (message === undefined) {
        this.#lastBytes = 0;
        this.#options.resume();
        return;
      }
      this.#heldBytes -= bytesOf(message);
      this.#accept(message);
    }
    if (this.#mayReadOn) this.#options.resume();
  }

  /** An acknowledgement may lie right behind the last message that the peer can send, so it is not enough to hold that many bytes. */
  get #mayReadOn(): boolean {
    return this.#heldBytes - this.#lastBytes < this.#options.limit && this.#options.isBlocked();
  }

  #hold(message: ReceivedMessage): void {
    this.#held.push(message);
    this.#lastBytes = bytesOf(message);
    this.#heldBytes += this.#lastBytes;
    if (!this.#mayReadOn) this.#options.pause();
  }

  #accept(message: ReceivedMessage): void {
    this.#options.session.onReceived(message.data.length);
    this.#options.deliver(message);
  }
}

function bytesOf({ data }: ReceivedMessage): number {
  return data.length + MESSAGE_HEADER_BYTES;
}
