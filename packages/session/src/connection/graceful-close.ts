import type { Duplex } from "node:stream";
import { type IpcError, SessionError } from "../errors.js";
import { closeGracefully, destroyStream } from "../stream-close.js";
import { startTimeLimit, type TimeLimit } from "../time-limit.js";
import type { Sender } from "./sender.js";

/** What is left, at most, of a close that is shortened, in milliseconds. */
const SHORTENED_MS = 250;

export interface GracefulCloseOptions {
  readonly stream: Duplex;
  readonly sender: Sender;
  /** For the accepted messages and the announcement of the end to reach the kernel. */
  readonly timeoutMs: number;
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
    const { sender, stream } = this.#options;
    const { signal } = this.#deadline;
    const flushed = sender.flush(signal);
    const lost = (): void =>
      sender.fail(new SessionError("IPC_CONNECTION_LOST", "the peer disconnected during the close"));
    stream.once("close", lost);
    stream.once("error", lost);
    // A destroyed stream may have emitted 'close' or 'error' already and does not repeat them.
    if (stream.destroyed) lost();
    try {
      await flushed;
      await sender.closeNotify(signal);
    } catch (cause) {
      const unsent = `${sender.queuedMessages} messages (${sender.queuedBytes} bytes) were accepted and not sent`;
      const figures = sender.queuedMessages > 0 ? unsent : "every message was sent, the end of the session was not";
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
    }
  }
}
