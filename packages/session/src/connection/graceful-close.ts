import type { Duplex } from "node:stream";
import { type IpcError, SessionError } from "../errors.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { closeGracefully, destroyStream } from "../stream-close.js";
import { hasEnded } from "../stream-input.js";
import { startTimeLimit, type TimeLimit } from "../time-limit.js";
import type { Sender } from "./sender.js";

/** What is left, at most, of a close that is shortened, in milliseconds. */
const SHORTENED_MS = 250;

export interface GracefulCloseOptions {
  readonly stream: Duplex;
  readonly sender: Sender;
  /** For the accepted messages and the announcement of the end to reach the kernel. */
  readonly timeoutMs: number;
  /** The session that the connection belongs to, if it can be resumed: the close waits until the peer has received everything. */
  readonly session: ResumableSession | undefined;
  /** Called before the announcement of the end. */
  readonly announce: () => void;
  /** Whether the peer ends its side in response, and gets the rest of that time for it instead of 250 ms. */
  readonly peerEndsInResponse: boolean;
}

/** The close of one connection: sends the accepted messages and the announcement of the end, then ends the stream. */
export class GracefulClose {
  readonly #options: GracefulCloseOptions;
  readonly #giveUpAt: number;
  readonly #deadline = new AbortController();
  readonly #limit: TimeLimit;
  #timeoutMs: number;
  /** Undefined before `shorten`. */
  #cut: TimeLimit | undefined;

  constructor(options: GracefulCloseOptions) {
    const { timeoutMs } = options;
    this.#options = options;
    this.#timeoutMs = timeoutMs;
    this.#giveUpAt = performance.now() + timeoutMs;
    const giveUp = (): void => this.#deadline.abort(new Error("close timed out"));
    this.#limit = startTimeLimit(timeoutMs, giveUp, { keepsAlive: true });
  }

  /** @throws SessionError IPC_CLOSE_INCOMPLETE when the time is over, or when the connection is lost */
  async run(): Promise<void> {
    const { stream, peerEndsInResponse } = this.#options;
    try {
      await this.#drainOutput();
      this.#limit.cancel();
      // Bytes in the kernel have not reached the peer yet. If this side closes first, the next write of a Node peer fails, and
      // Node drops the bytes that the peer has not read.
      await closeGracefully(stream, peerEndsInResponse ? this.#giveUpAt - performance.now() : undefined);
    } finally {
      this.#limit.cancel();
      this.#cut?.cancel();
    }
  }

  /** Ends the close, at whichever step, in 250 ms at the latest, because of `reason`. Returns false if that was done before. */
  shorten(reason: IpcError): boolean {
    if (this.#cut !== undefined) return false;
    const cut = (): void => {
      this.#timeoutMs = SHORTENED_MS;
      this.#deadline.abort(reason);
      destroyStream(this.#options.stream);
    };
    this.#cut = startTimeLimit(SHORTENED_MS, cut, { keepsAlive: true });
    return true;
  }

  /** Resolves when the kernel has every accepted message and then the close_notify; destroys the stream if that fails. */
  async #drainOutput(): Promise<void> {
    const { sender, stream, session, announce } = this.#options;
    const { signal } = this.#deadline;
    const flushed = sender.flush(signal);
    const lossError = (): SessionError =>
      new SessionError("IPC_CONNECTION_LOST", "the peer disconnected during the close");
    // A peer that has ended acknowledges nothing more.
    const ended = (): void => session?.abandon(lossError());
    const lost = (): void => {
      sender.fail(lossError());
      ended();
    };
    stream.once("close", lost);
    stream.once("error", lost);
    stream.once("end", ended);
    // A destroyed stream may have emitted 'close' or 'error' already and does not repeat them.
    if (stream.destroyed) lost();
    else if (hasEnded(stream)) ended();
    try {
      await flushed;
      await session?.whenReceived("close", signal);
      announce();
      await sender.closeNotify(signal);
    } catch (cause) {
      const figures = this.#describeUnsent();
      destroyStream(stream);
      sender.fail(
        new SessionError("IPC_CLOSED", "write rejected: the connection was closed before the message was accepted"),
      );
      throw new SessionError(
        "IPC_CLOSE_INCOMPLETE",
        `close incomplete within ${this.#timeoutMs} ms: ${figures}; the peer reads too slowly or disconnected`,
        { cause },
      );
    } finally {
      stream.off("close", lost);
      stream.off("error", lost);
      stream.off("end", ended);
    }
  }

  #describeUnsent(): string {
    const { sender, session } = this.#options;
    if (session !== undefined && session.resend.messages > 0) {
      const { messages, bytes, last, written } = session.resend;
      return `${messages} of ${last} accepted messages (${bytes} bytes) were not received by the peer as far as it has told, ${last - written} of them were not sent`;
    }
    const { queuedMessages, queuedBytes } = sender;
    if (queuedMessages === 0) return "every message was sent, the end of the session was not";
    return `${queuedMessages} messages (${queuedBytes} bytes) were accepted and not sent`;
  }
}
