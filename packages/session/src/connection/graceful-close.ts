import type { Duplex } from "node:stream";
import { type IpcError, SessionError } from "../errors.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { closeGracefully, destroyStream } from "../stream-close.js";
import { hasEnded } from "../stream-input.js";
import { startTimeLimit, type TimeLimit } from "../time-limit.js";
import type { Sender } from "./sender.js";
import type { WriteQueue } from "./write-queue.js";

/** The time that is left, at most, of a close that is shortened, in milliseconds. */
const SHORTENED_MS = 250;

export interface GracefulCloseOptions {
  readonly stream: Duplex;
  readonly sender: Sender;
  /** The writes that wait for room. */
  readonly waiting: WriteQueue;
  /** For the accepted messages and the announcement of the end to reach the kernel. */
  readonly timeoutMs: number;
  /** The session that the connection belongs to, if it can be resumed: the close waits until the peer has received everything. */
  readonly session: ResumableSession | undefined;
  /** Tells the peer of a session that this side receives nothing more, and at last that it sends nothing more. */
  readonly announce: (reason: "leaving" | "closing") => void;
  /** Whether the peer ends its side in response, and gets the rest of that time for it instead of 250 ms after its last byte. */
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

  /** @throws SessionError IPC_CLOSE_INCOMPLETE when the time is over, when the connection is lost, or when the peer receives nothing more */
  async run(): Promise<void> {
    const { stream, peerEndsInResponse } = this.#options;
    try {
      const undone = await this.#drainOutput();
      this.#limit.cancel();
      // Bytes in the kernel have not reached the peer yet. If this side closes first, the next write of a Node peer fails, and
      // Node drops the bytes that the peer has not read.
      const restMs = this.#giveUpAt - performance.now();
      await closeGracefully(stream, peerEndsInResponse ? restMs : undefined, restMs);
      if (undone !== undefined) throw undone;
    } finally {
      this.#limit.cancel();
      this.#cut?.cancel();
    }
  }

  /** The peer of a session receives nothing more, because it closes, too: neither side waits for the other. */
  onConcluded(): void {
    this.#options.waiting.rejectAll(notAcceptedError());
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

  /**
   * Resolves when the kernel has every accepted message and then the close_notify; destroys the stream if that fails. Returns an error
   * if the peer of a session has not received everything, and never will.
   */
  async #drainOutput(): Promise<SessionError | undefined> {
    const { sender, stream, session, announce } = this.#options;
    const { signal } = this.#deadline;
    const delivered = this.#deliver(signal);
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
      const undone = await delivered;
      announce("closing");
      await sender.closeNotify(signal);
      return undone;
    } catch (cause) {
      const figures = this.#describeUnsent();
      destroyStream(stream);
      sender.fail(notAcceptedError());
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

  /** Sends the accepted messages; in a session it waits until the peer has received them, or has told that it receives nothing more. */
  async #deliver(signal: AbortSignal): Promise<SessionError | undefined> {
    const { sender, stream, session, waiting, announce } = this.#options;
    // This side receives nothing more. If the peer closes, too, it waits for acknowledgements as this side does.
    if (session !== undefined && this.#unreceived + waiting.size > 0) announce("leaving");
    const flushed = sender.flush(signal);
    if (session?.isConcluded === true) this.onConcluded();
    try {
      await flushed;
      await session?.whenReceived("close", signal);
      return undefined;
    } catch (cause) {
      if (session?.isConcluded !== true || signal.aborted || stream.destroyed) throw cause;
      // Only writes that waited were rejected.
      if (this.#unreceived === 0) return undefined;
      return new SessionError(
        "IPC_CLOSE_INCOMPLETE",
        `close incomplete: ${this.#describeUnsent()}; the peer ended the session at the same time`,
        { cause },
      );
    }
  }

  /** Messages of a session that its peer has not received as far as it has told, with those of this tick. */
  get #unreceived(): number {
    const { sender, session } = this.#options;
    return (session?.resend.messages ?? 0) + sender.unkept.messages;
  }

  #describeUnsent(): string {
    const { sender, session } = this.#options;
    if (session !== undefined && this.#unreceived > 0) {
      const { unkept } = sender;
      const { bytes, last, written } = session.resend;
      const accepted = last + unkept.messages;
      return `${this.#unreceived} of ${accepted} accepted messages (${bytes + unkept.bytes} bytes) were not received by the peer as far as it has told, ${accepted - written} of them were not sent`;
    }
    const { messages, bytes } = sender.unsent;
    if (messages === 0) return "every message was sent, the end of the session was not";
    return `${messages} messages (${bytes} bytes) were accepted and not sent`;
  }
}

function notAcceptedError(): SessionError {
  return new SessionError("IPC_CLOSED", "write rejected: the connection was closed before the message was accepted");
}
