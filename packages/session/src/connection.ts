import type { Duplex } from "node:stream";
import { CryptoError } from "@ipc/crypto";
import { FrameDecoder, FrameError } from "@ipc/framing";
import { dropStream, endStream } from "./end-stream.js";
import type { IpcError } from "./errors.js";
import type { Negotiated } from "./handshake.js";
import { ReceivedMessage } from "./message.js";
import { Outbox } from "./outbox.js";
import type { ConnectionSecurity } from "./peer.js";
import { CONTROL_TYPE } from "./protocol.js";
import { ReadTurn } from "./read-turn.js";
import { SessionError } from "./session-error.js";
import type { SharedBudget } from "./shared-budget.js";
import type { WaitingWrites } from "./waiting-writes.js";

export interface ConnectionOptions {
  readonly stream: Duplex;
  readonly negotiated: Negotiated;
  /** What came behind the handshake. */
  readonly rest: Uint8Array;
  /** The longest data taken from the peer, in bytes. */
  readonly maxReceiveSize: number;
  readonly maxQueuedBytes: number;
  /** What is queued counts against it, too. */
  readonly budget?: SharedBudget | undefined;
  /** What was written before there was a connection. */
  readonly waiting: WaitingWrites;
}

export interface ConnectionEvents {
  readonly message: (message: ReceivedMessage) => void;
  /** All whole messages that lie in `buffer` have been delivered, as far as they are wanted now. */
  readonly bufferDone: (buffer: ArrayBufferLike) => void;
  /** Whether what a pause held back may still be delivered when the connection ends. */
  readonly takesRest: () => boolean;
  /** Once, however it ended; never after `close` or `destroy`. `orderly`: the peer ended it between two messages. */
  readonly end: (error: IpcError, orderly: boolean) => void;
}

/** One established connection: messages over a stream, until its one end. */
export class Connection {
  readonly security: ConnectionSecurity;
  readonly maxSendSize: number;
  readonly outbox: Outbox;
  readonly stream: Duplex;
  readonly #negotiated: Negotiated;
  readonly #decoder: FrameDecoder;
  #events: ConnectionEvents | undefined;
  /** Whether whole messages are delivered as they come. `over`: no more input comes, what is here is delivered. */
  #input: "flowing" | "paused" | "over" = "flowing";
  #decoding = false;
  readonly #readTurn = new ReadTurn();

  constructor(options: ConnectionOptions) {
    const { stream, negotiated, rest, maxReceiveSize, maxQueuedBytes, budget, waiting } = options;
    this.stream = stream;
    this.security = negotiated.protection.security;
    this.maxSendSize = negotiated.maxSendSize;
    this.#negotiated = negotiated;
    const overhead = negotiated.protection.bodyOverhead;
    this.#decoder = new FrameDecoder({ maxBodyLength: maxReceiveSize + overhead, minBodyLength: overhead });
    // Held back by the decoder, not by the reader, where that is paused: its budget is not for a peer to overdraw.
    if (rest.length > 0) negotiated.protection.push(this.#decoder, rest);
    const { protection } = negotiated;
    const exhausted = (error: CryptoError): void => this.#finish(error, false);
    this.outbox = new Outbox({ stream, protection, maxQueuedBytes, budget, waiting, exhausted });
  }

  /** Takes up the stream and what waited to be written. Nothing is delivered before `begin`. */
  attach(events: ConnectionEvents): void {
    this.#events = events;
    const { stream } = this;
    stream.on("data", this.#onData);
    stream.pause();
    stream.on("end", this.#onEnd);
    stream.on("error", this.#onError);
    stream.on("close", this.#onClose);
    this.outbox.start();
  }

  /** Starts delivering: everything may happen from here on, also before it returns. */
  begin(): void {
    this.#decode();
    // It may have ended before, or by what came with the handshake.
    if (this.#events === undefined) return;
    const { stream } = this;
    if (stream.destroyed) this.#onClose();
    else if (stream.readableEnded) this.#onEnd();
    else if (this.#isFlowing()) stream.resume();
  }

  /** Delivers nothing more until `resume`; the stream's own backpressure does the rest. */
  pause(): void {
    if (this.#input === "over") return;
    this.#input = "paused";
    this.stream.pause();
  }

  resume(): void {
    if (this.#input !== "paused") return;
    this.#input = "flowing";
    this.#decode();
    // Delivering may have paused it again, or ended it.
    if (this.#isFlowing()) this.stream.resume();
  }

  /**
   * Sends what was accepted, then ends the stream; input is discarded from now on.
   * @throws SessionError IPC_CLOSE_INCOMPLETE after `timeoutMs`
   */
  async close(timeoutMs: number): Promise<void> {
    const giveUpAt = performance.now() + timeoutMs;
    this.#leave();
    const { stream, outbox } = this;
    // A peer that writes before it reads must not hold our output up: what it sends is discarded.
    stream.resume();
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
    this.#sayFarewell();
    // What the kernel holds is not with the peer yet. If this side is closed before a peer that writes has read it, its next
    // write fails, and Node drops what it has not read.
    await endStream(stream, this.#negotiated.peerEndsToo ? giveUpAt - performance.now() : undefined);
  }

  /** Ends it at once, also while it is closing: every wait rejects with `error`. */
  destroy(error: Error): void {
    this.#leave();
    this.outbox.fail(error);
    dropStream(this.stream);
  }

  #sayFarewell(): void {
    try {
      const farewell = this.#negotiated.protection.farewell();
      if (farewell !== undefined) this.stream.write(farewell);
    } catch (error) {
      // Used up: the peer will take this end for a cut, which is the truth that is left.
      if (!(error instanceof CryptoError)) throw error;
    }
  }

  /** True for the first caller: from then on nothing is delivered or told. */
  #leave(): boolean {
    if (this.#events === undefined) return false;
    this.#events = undefined;
    const { stream } = this;
    stream.off("data", this.#onData);
    stream.off("end", this.#onEnd);
    stream.off("error", this.#onError);
    stream.off("close", this.#onClose);
    return true;
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#readTurn.begin(chunk.length);
    this.#negotiated.protection.push(this.#decoder, chunk);
    this.#decode();
    if (!this.#readTurn.isOver() || !this.#isFlowing()) return;
    this.stream.pause();
    setImmediate(() => {
      if (this.#isFlowing()) this.stream.resume();
    });
  };

  readonly #onEnd = (): void => {
    if (this.#events === undefined) return;
    const dropped = this.#deliverRest();
    try {
      if (dropped === 0) this.#negotiated.protection.end(this.#decoder);
    } catch (error) {
      this.#finish(asIpcError(error), false);
      return;
    }
    const left = this.outbox.queuedMessages;
    this.#finish(lostError("the peer ended the connection", left, dropped), left === 0 && dropped === 0);
  };

  readonly #onError = (cause: Error): void => {
    if (this.#events === undefined) return;
    const dropped = this.#deliverRest();
    const left = this.outbox.queuedMessages;
    this.#finish(lostError(`the connection was cut: ${cause.message}`, left, dropped, cause), false);
  };

  readonly #onClose = (): void => {
    // The stream may have told its end before we listened, when it came with the last of the handshake.
    if (this.stream.readableEnded) this.#onEnd();
    else this.#onError(new Error("the stream was closed"));
  };

  /**
   * Delivers what a pause held back and has arrived whole, as far as the reader takes it. Returns the bytes of whole
   * messages, or of their beginnings, that are dropped because it takes no more.
   */
  #deliverRest(): number {
    const { stream } = this;
    stream.off("data", this.#onData);
    this.#input = "over";
    // A chunk at a time: a bad frame in one ends it, and what lies behind is not looked at.
    this.#decode();
    while (this.#events !== undefined) {
      const chunk = readChunk(stream);
      if (chunk === null) break;
      this.#negotiated.protection.push(this.#decoder, chunk);
      this.#decode();
    }
    return this.#events?.takesRest() === false ? this.#negotiated.protection.bufferedBytes(this.#decoder) : 0;
  }

  #decode(): void {
    if (this.#decoding) return;
    this.#decoding = true;
    let buffer: ArrayBufferLike | undefined;
    try {
      while (this.#events !== undefined && this.#mayDeliver(this.#events)) {
        const message = this.#negotiated.protection.next(this.#decoder);
        if (message === undefined) return;
        if (message.type === CONTROL_TYPE) continue;
        if (buffer !== undefined && buffer !== message.data.buffer) this.#events.bufferDone(buffer);
        buffer = message.data.buffer;
        this.#events.message(new ReceivedMessage(message.type, message.data));
      }
      if (this.#input === "over") this.#negotiated.protection.openFarewell(this.#decoder);
    } catch (error) {
      this.#finish(asIpcError(error), false);
    } finally {
      this.#decoding = false;
      if (buffer !== undefined) this.#events?.bufferDone(buffer);
    }
  }

  #mayDeliver(events: ConnectionEvents): boolean {
    switch (this.#input) {
      case "flowing":
        return true;
      case "paused":
        return false;
      case "over":
        return events.takesRest();
    }
  }

  #isFlowing(): boolean {
    return this.#input === "flowing" && this.#events !== undefined;
  }

  /** The one path for every end that nobody here asked for. */
  #finish(error: IpcError, orderly: boolean): void {
    const events = this.#events;
    if (!this.#leave()) return;
    this.outbox.fail(error);
    dropStream(this.stream);
    events?.end(error, orderly);
  }
}

/** What the decoder or the cipher throws is ours; anything else is a defect and must be seen as one. */
function asIpcError(error: unknown): IpcError {
  if (error instanceof FrameError || error instanceof CryptoError) return error;
  throw error;
}

/** `read` of a stream that gives bytes. */
function readChunk(stream: Duplex): Uint8Array | null {
  return stream.read() as Uint8Array | null;
}

function lostError(what: string, unsentMessages: number, droppedBytes: number, cause?: Error): SessionError {
  const dropped = droppedBytes === 0 ? "" : `; ${droppedBytes} bytes had arrived and were dropped, nobody read`;
  return new SessionError(
    "IPC_CONNECTION_LOST",
    `${what}; ${unsentMessages} messages were accepted and not sent${dropped}`,
    cause === undefined ? undefined : { cause },
  );
}
