import type { Duplex } from "node:stream";
import { SessionError } from "../errors.js";
import { destroyStream } from "../stream-close.js";
import type { Sender } from "./sender.js";

export interface DrainOptions {
  readonly sender: Sender;
  readonly stream: Duplex;
  readonly timeoutMs: number;
  /** Encodes the close_notify; undefined if the codec sends none. */
  readonly closeNotify: () => Uint8Array | undefined;
}

/**
 * Resolves when the kernel has every accepted message and then the close_notify. If that fails, the stream is destroyed and
 * further writes are rejected.
 * @throws SessionError IPC_CLOSE_INCOMPLETE after `timeoutMs`, or when the connection is lost
 */
export async function drainSender({ sender, stream, timeoutMs, closeNotify }: DrainOptions): Promise<void> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error(`close timed out after ${timeoutMs} ms`)), timeoutMs);
  const flushed = sender.flush(deadline.signal);
  const lost = (): void =>
    sender.fail(new SessionError("IPC_CONNECTION_LOST", "the peer disconnected during the close"));
  stream.once("close", lost);
  stream.once("error", lost);
  // A destroyed stream may have emitted 'close' or 'error' already and does not repeat them.
  if (stream.destroyed) lost();
  try {
    await flushed;
    const last = closeNotify();
    if (last !== undefined) await writeLast(stream, last, deadline.signal);
  } catch (cause) {
    const unsent = `${sender.queuedMessages} messages (${sender.queuedBytes} bytes) were accepted and not sent`;
    const figures = sender.queuedMessages > 0 ? unsent : "every message was sent, the end of the session was not";
    destroyStream(stream);
    sender.fail(
      new SessionError("IPC_CLOSED", "write rejected: the connection was closed before the message was accepted"),
    );
    throw new SessionError(
      "IPC_CLOSE_INCOMPLETE",
      `close incomplete within ${timeoutMs} ms: ${figures}; the peer reads too slowly or disconnected`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
    stream.off("close", lost);
    stream.off("error", lost);
  }
}

/** Resolves when the kernel has `last`: a peer that does not receive it reports a truncated connection. */
function writeLast(stream: Duplex, last: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    // Resolve on failure too: a peer that has ended its direction may disconnect without waiting for this side, and a stream
    // that the caller supplied may be destroyed without calling the write callback.
    stream.once("close", resolve);
    stream.write(last, () => {
      stream.off("close", resolve);
      resolve();
    });
  });
}
