import type { Duplex } from "node:stream";
import { dropStream } from "./end-stream.js";
import type { Outbox } from "./outbox.js";
import { SessionError } from "./session-error.js";

/**
 * Resolves when the kernel has everything that was accepted, and nothing more is. When that fails the stream is destroyed.
 * @throws SessionError IPC_CLOSE_INCOMPLETE after `timeoutMs`, or when the connection is gone
 */
export async function drainOutbox(outbox: Outbox, stream: Duplex, timeoutMs: number): Promise<void> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error(`${timeoutMs} ms are over`)), timeoutMs);
  const flushed = outbox.flush(deadline.signal);
  const lost = (): void =>
    outbox.fail(new SessionError("IPC_CONNECTION_LOST", "the peer went away while this side was closing"));
  stream.once("close", lost);
  stream.once("error", lost);
  // What has been told already is not told again.
  if (stream.destroyed) lost();
  try {
    await flushed;
  } catch (cause) {
    const figures = `${outbox.queuedMessages} messages (${outbox.queuedBytes} bytes) were accepted and not sent`;
    dropStream(stream);
    outbox.fail(new SessionError("IPC_CLOSED", "closed before this was accepted"));
    throw new SessionError(
      "IPC_CLOSE_INCOMPLETE",
      `close gave up within its ${timeoutMs} ms: ${figures}; the peer reads too slowly or went away`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
    stream.off("close", lost);
    stream.off("error", lost);
  }
}
