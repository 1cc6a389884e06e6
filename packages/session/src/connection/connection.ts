import type { Duplex } from "node:stream";
import { CryptoError } from "@ipc/crypto";
import { FrameDecoder } from "@ipc/framing";
import type { HandshakeOutcome } from "../codec/codec.js";
import { allocateUnzeroed } from "../codec/codec.js";
import type { IpcError } from "../errors.js";
import { connectionLostError, isIpcError } from "../errors.js";
import { CONTROL_TYPE, ReceivedMessage } from "../message.js";
import { TimeSlice } from "../scheduling/time-slice.js";
import type { ConnectionSecurity } from "../security.js";
import type { SharedBudget } from "../shared-budget.js";
import { closeGracefully, destroyStream, setStreamReferenced } from "../stream-close.js";
import { drainSender } from "./graceful-close.js";
import { Sender } from "./sender.js";
import type { WriteQueue } from "./write-queue.js";

export interface ConnectionOptions {
  readonly stream: Duplex;
  readonly outcome: HandshakeOutcome;
  /** Bytes that arrived after the handshake. */
  readonly rest: Uint8Array;
  /** The longest data of a received message, in bytes. */
  readonly maxReceiveSize: number;
  readonly maxQueuedBytes: number;
  /** How long the event loop polls instead of sleeping after a send, in microseconds. */
  readonly busyPollUs: number;
  /** Queued bytes also count against this budget, which other connections share. */
  readonly budget?: SharedBudget | undefined;
  /** Writes made before the connection was established. */
  readonly waiting: WriteQueue;
}

export interface ConnectionEvents {
  readonly message: (message: ReceivedMessage) => void;
  /** Called when every message of `buffer` that can be delivered now has been delivered. */
  readonly bufferDone: (buffer: ArrayBufferLike) => void;
  /** Whether messages that a pause held back may still be delivered after the connection has ended. */
  readonly acceptsRemaining: () => boolean;
  /** Called once; never after `close` or `destroy`. `clean`: the peer ended it between two messages, and nothing was lost. */
  readonly end: (error: IpcError, clean: boolean) => void;
}

/** One established connection: sends and receives messages over a stream, and ends exactly once. */
export class Connection {
  readonly security: ConnectionSecurity;
  readonly maxSendSize: number;
  readonly sender: Sender;
  readonly stream: Duplex;
  readonly #outcome: HandshakeOutcome;
  readonly #decoder: FrameDecoder;
  #events: ConnectionEvents | undefined;
  /** Whether messages are delivered as they arrive. `over`: the input has ended, and buffered messages are still delivered. */
  #input: "flowing" | "paused" | "over" = "flowing";
  #decoding = false;
  readonly #timeSlice = new TimeSlice();
  /** Ends the connection once all buffered input has been delivered; receives the number of undelivered bytes. */
  #onInputDrained: ((droppedBytes: number) => void) | undefined;

  constructor(options: ConnectionOptions) {
    const { stream, outcome, rest, maxReceiveSize, maxQueuedBytes, busyPollUs, budget, waiting } = options;
    this.stream = stream;
    this.security = outcome.codec.security;
    this.maxSendSize = outcome.maxSendSize;
    this.#outcome = outcome;
    const overhead = outcome.codec.bodyOverhead;
    this.#decoder = new FrameDecoder({
      maxBodyLength: maxReceiveSize + overhead,
      minBodyLength: overhead,
      allocate: allocateUnzeroed,
    });
    // The decoder holds these bytes while the reader is paused; otherwise a peer could exceed the reader's budget.
    if (rest.length > 0) outcome.codec.push(this.#decoder, rest);
    const { codec } = outcome;
    const exhausted = (error: CryptoError): void => this.#finish(error, false);
    this.sender = new Sender({ stream, codec, maxQueuedBytes, busyPollUs, budget, waiting, exhausted });
  }

  /** Listens to the stream and sends the waiting writes. Nothing is delivered before `begin`. */
  attach(events: ConnectionEvents): void {
    this.#events = events;
    const { stream } = this;
    stream.on("data", this.#onData);
    stream.pause();
    stream.on("end", this.#onEnd);
    stream.on("error", this.#onError);
    stream.on("close", this.#onClose);
    this.sender.start();
  }

  /** Starts delivery. Any event, including `end`, may fire before this returns. */
  begin(): void {
    this.#decode();
    // The connection may have ended earlier, or through bytes that arrived with the handshake.
    if (this.#events === undefined) return;
    const { stream } = this;
    if (stream.destroyed) this.#onClose();
    else if (stream.readableEnded) this.#onEnd();
    else if (this.#isFlowing()) stream.resume();
  }

  /** Sets whether this connection keeps the process alive. */
  setReferenced(referenced: boolean): void {
    setStreamReferenced(this.stream, referenced);
    this.#timeSlice.setReferenced(referenced);
    this.sender.setReferenced(referenced);
  }

  /** Stops delivery until `resume`; the paused stream then applies backpressure to the peer. */
  pause(): void {
    if (this.#input === "over") return;
    this.#input = "paused";
    this.stream.pause();
  }

  resume(): void {
    if (this.#input !== "paused") return;
    this.#input = "flowing";
    this.#resumeDecoding();
  }

  /**
   * Sends the accepted messages, then ends the stream; input is discarded from now on.
   * @throws SessionError IPC_CLOSE_INCOMPLETE after `timeoutMs`
   */
  async close(timeoutMs: number): Promise<void> {
    const giveUpAt = performance.now() + timeoutMs;
    this.#detach();
    const { stream, sender } = this;
    // Discard the peer's input, so that a peer that writes before it reads cannot block our output.
    stream.resume();
    await drainSender({ sender, stream, timeoutMs, closeNotify: () => this.#closeNotify() });
    // Bytes in the kernel have not reached the peer yet. If this side closes first, the next write of a Node peer fails, and
    // Node drops the bytes that the peer has not read.
    await closeGracefully(stream, this.#outcome.peerEndsToo ? giveUpAt - performance.now() : undefined);
  }

  /** Ends the connection at once, also while it is closing; every wait rejects with `error`. */
  destroy(error: Error): void {
    this.#detach();
    this.sender.fail(error);
    destroyStream(this.stream);
  }

  #closeNotify(): Uint8Array | undefined {
    try {
      return this.#outcome.codec.closeNotify();
    } catch (error) {
      // The cipher is exhausted, so no close_notify can be sealed; the peer reports a truncated connection.
      if (!(error instanceof CryptoError)) throw error;
      return undefined;
    }
  }

  /** Stops all delivery and events. Returns true on the first call only. */
  #detach(): boolean {
    if (this.#events === undefined) return false;
    this.#events = undefined;
    this.#timeSlice.cancel();
    const { stream } = this;
    stream.off("data", this.#onData);
    stream.off("end", this.#onEnd);
    stream.off("error", this.#onError);
    stream.off("close", this.#onClose);
    return true;
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#outcome.codec.push(this.#decoder, chunk);
    this.#decode();
  };

  readonly #onEnd = (): void => {
    this.#drainInput((dropped) => {
      try {
        if (dropped === 0) this.#outcome.codec.end(this.#decoder);
      } catch (error) {
        this.#finish(codecError(error), false);
        return;
      }
      const left = this.sender.queuedMessages;
      this.#finish(connectionLostError("connection ended by the peer", left, dropped), left === 0 && dropped === 0);
    });
  };

  readonly #onError = (cause: Error): void => {
    this.#drainInput((dropped) => {
      const left = this.sender.queuedMessages;
      this.#finish(connectionLostError(`connection cut (${cause.message})`, left, dropped, cause), false);
    });
  };

  readonly #onClose = (): void => {
    // The stream may have emitted 'end' before `attach`, if the end arrived with the last handshake bytes.
    if (this.stream.readableEnded) this.#onEnd();
    else this.#onError(new Error("the stream was closed"));
  };

  /**
   * Delivers the complete messages that a pause held back, as far as the reader accepts them, then calls `onInputDrained`
   * with the number of bytes, of complete or partial messages, that the reader no longer accepts.
   */
  #drainInput(onInputDrained: (droppedBytes: number) => void): void {
    if (this.#events === undefined || this.#onInputDrained !== undefined) return;
    this.#onInputDrained = onInputDrained;
    this.stream.off("data", this.#onData);
    this.#input = "over";
    this.#resumeDecoding();
  }

  /** Delivers the buffered messages, then resumes the stream or ends the connection. */
  readonly #resumeDecoding = (): void => {
    this.#decode();
    // Read one chunk at a time, because a bad frame ends the connection and later chunks must not be decoded.
    while (this.#input === "over" && this.#isIdle()) {
      const chunk = readChunk(this.stream);
      if (chunk === null) {
        const { codec } = this.#outcome;
        this.#onInputDrained?.(this.#events?.acceptsRemaining() === false ? codec.bufferedBytes(this.#decoder) : 0);
        return;
      }
      this.#outcome.codec.push(this.#decoder, chunk);
      this.#decode();
    }
    // A listener may have paused or ended the connection during delivery.
    if (this.#isFlowing()) this.stream.resume();
  };

  #decode(): void {
    if (this.#decoding || this.#timeSlice.isYielding) return;
    this.#decoding = true;
    this.#timeSlice.begin();
    let buffer: ArrayBufferLike | undefined;
    try {
      while (this.#events !== undefined && this.#mayDeliver(this.#events)) {
        const message = this.#outcome.codec.next(this.#decoder, this.#timeSlice);
        if (message === undefined) break;
        if (message.type !== CONTROL_TYPE) {
          if (buffer !== undefined && buffer !== message.data.buffer) this.#events.bufferDone(buffer);
          buffer = message.data.buffer;
          this.#events.message(new ReceivedMessage(message.type, message.data));
        }
        if (this.#timeSlice.countStep()) break;
      }
      if (this.#input === "over") this.#outcome.codec.openCloseNotify(this.#decoder);
    } catch (error) {
      this.#finish(codecError(error), false);
    } finally {
      this.#decoding = false;
      if (buffer !== undefined) this.#events?.bufferDone(buffer);
    }
    this.#timeSlice.end();
    if (this.#timeSlice.isExpired && this.#events !== undefined) {
      this.stream.pause();
      this.#timeSlice.yield(this.#resumeDecoding);
    }
  }

  #mayDeliver(events: ConnectionEvents): boolean {
    switch (this.#input) {
      case "flowing":
        return true;
      case "paused":
        return false;
      case "over":
        return events.acceptsRemaining();
    }
  }

  #isFlowing(): boolean {
    return this.#input === "flowing" && this.#isIdle();
  }

  /** Whether the connection is attached and not yielding to the event loop. */
  #isIdle(): boolean {
    return this.#events !== undefined && !this.#timeSlice.isYielding;
  }

  /** The single path for every end that this side did not request. */
  #finish(error: IpcError, clean: boolean): void {
    const events = this.#events;
    if (!this.#detach()) return;
    this.sender.fail(error);
    destroyStream(this.stream);
    events?.end(error, clean);
  }
}

/** Returns library errors of the decoder and the cipher; rethrows any other error, because it is a defect. */
function codecError(error: unknown): IpcError {
  if (isIpcError(error)) return error;
  throw error;
}

/** Reads the next chunk of a stream in byte mode; null when none is buffered. */
function readChunk(stream: Duplex): Uint8Array | null {
  return stream.read() as Uint8Array | null;
}
