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
  /** What came behind the handshake. */
  readonly rest: Uint8Array;
  /** The longest data taken from the peer, in bytes. */
  readonly maxReceiveSize: number;
  readonly maxQueuedBytes: number;
  /** For how long the event loop does not sleep after something was sent, in microseconds. */
  readonly busyPollUs: number;
  /** What is queued counts against it, too. */
  readonly budget?: SharedBudget | undefined;
  /** What was written before there was a connection. */
  readonly waiting: WriteQueue;
}

export interface ConnectionEvents {
  readonly message: (message: ReceivedMessage) => void;
  /** All whole messages that lie in `buffer` have been delivered, as far as they are wanted now. */
  readonly bufferDone: (buffer: ArrayBufferLike) => void;
  /** Whether what a pause held back may still be delivered when the connection ends. */
  readonly acceptsRemaining: () => boolean;
  /** Once, however it ended; never after `close` or `destroy`. `orderly`: the peer ended it between two messages. */
  readonly end: (error: IpcError, clean: boolean) => void;
}

/** One established connection: messages over a stream, until its one end. */
export class Connection {
  readonly security: ConnectionSecurity;
  readonly maxSendSize: number;
  readonly sender: Sender;
  readonly stream: Duplex;
  readonly #outcome: HandshakeOutcome;
  readonly #decoder: FrameDecoder;
  #events: ConnectionEvents | undefined;
  /** Whether whole messages are delivered as they come. `over`: no more input comes, what is here is delivered. */
  #input: "flowing" | "paused" | "over" = "flowing";
  #decoding = false;
  readonly #timeSlice = new TimeSlice();
  /** What ends it when everything that is here has been delivered. Given the bytes that were not. */
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
    // Held back by the decoder, not by the reader, where that is paused: its budget is not for a peer to overdraw.
    if (rest.length > 0) outcome.codec.push(this.#decoder, rest);
    const { codec } = outcome;
    const exhausted = (error: CryptoError): void => this.#finish(error, false);
    this.sender = new Sender({ stream, codec, maxQueuedBytes, busyPollUs, budget, waiting, exhausted });
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
    this.sender.start();
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

  /** Says whether this connection keeps the process alive. */
  setReferenced(referenced: boolean): void {
    setStreamReferenced(this.stream, referenced);
    this.#timeSlice.setReferenced(referenced);
    this.sender.setReferenced(referenced);
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
    this.#resumeDecoding();
  }

  /**
   * Sends what was accepted, then ends the stream; input is discarded from now on.
   * @throws SessionError IPC_CLOSE_INCOMPLETE after `timeoutMs`
   */
  async close(timeoutMs: number): Promise<void> {
    const giveUpAt = performance.now() + timeoutMs;
    this.#detach();
    const { stream, sender } = this;
    // A peer that writes before it reads must not hold our output up: what it sends is discarded.
    stream.resume();
    await drainSender({ sender, stream, timeoutMs, closeNotify: () => this.#closeNotify() });
    // What the kernel holds is not with the peer yet. If this side is closed before a peer that writes has read it, its next
    // write fails, and Node drops what it has not read.
    await closeGracefully(stream, this.#outcome.peerEndsToo ? giveUpAt - performance.now() : undefined);
  }

  /** Ends it at once, also while it is closing: every wait rejects with `error`. */
  destroy(error: Error): void {
    this.#detach();
    this.sender.fail(error);
    destroyStream(this.stream);
  }

  #closeNotify(): Uint8Array | undefined {
    try {
      return this.#outcome.codec.closeNotify();
    } catch (error) {
      // Used up: the peer will take this end for a cut, which is the truth that is left.
      if (!(error instanceof CryptoError)) throw error;
      return undefined;
    }
  }

  /** True for the first caller: from then on nothing is delivered or told. */
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
      this.#finish(connectionLostError("the peer ended the connection", left, dropped), left === 0 && dropped === 0);
    });
  };

  readonly #onError = (cause: Error): void => {
    this.#drainInput((dropped) => {
      const left = this.sender.queuedMessages;
      this.#finish(connectionLostError(`the connection was cut: ${cause.message}`, left, dropped, cause), false);
    });
  };

  readonly #onClose = (): void => {
    // The stream may have told its end before we listened, when it came with the last of the handshake.
    if (this.stream.readableEnded) this.#onEnd();
    else this.#onError(new Error("the stream was closed"));
  };

  /**
   * Delivers what a pause held back and has arrived whole, as far as the reader takes it, then ends. `conclude` is given the
   * bytes of whole messages, or of their beginnings, that are dropped because it takes no more.
   */
  #drainInput(onInputDrained: (droppedBytes: number) => void): void {
    if (this.#events === undefined || this.#onInputDrained !== undefined) return;
    this.#onInputDrained = onInputDrained;
    this.stream.off("data", this.#onData);
    this.#input = "over";
    this.#resumeDecoding();
  }

  /** Delivers what is here, then lets more come, or ends. */
  readonly #resumeDecoding = (): void => {
    this.#decode();
    // A chunk at a time: a bad frame in one ends it, and what lies behind is not looked at.
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
    // Delivering may have paused it again, or ended it.
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

  /** Whether it stands, and has done what there was to do. */
  #isIdle(): boolean {
    return this.#events !== undefined && !this.#timeSlice.isYielding;
  }

  /** The one path for every end that nobody here asked for. */
  #finish(error: IpcError, clean: boolean): void {
    const events = this.#events;
    if (!this.#detach()) return;
    this.sender.fail(error);
    destroyStream(this.stream);
    events?.end(error, clean);
  }
}

/** Decoder and cipher fail with errors of the library; any other error is a defect and must be seen as one. */
function codecError(error: unknown): IpcError {
  if (isIpcError(error)) return error;
  throw error;
}

/** `read` of a stream that gives bytes. */
function readChunk(stream: Duplex): Uint8Array | null {
  return stream.read() as Uint8Array | null;
}
