import type { Duplex } from "node:stream";
import { CryptoError } from "@ipc/crypto";
import { FrameDecoder, FrameError } from "@ipc/framing";
import { drainOutbox } from "./drain-outbox.js";
import { dropStream, endStream } from "./end-stream.js";
import type { IpcError } from "./errors.js";
import type { Negotiated } from "./handshake.js";
import { lostError } from "./lost-error.js";
import { ReceivedMessage } from "./message.js";
import { Outbox } from "./outbox.js";
import type { ConnectionSecurity } from "./peer.js";
import { CONTROL_TYPE } from "./protocol.js";
import type { SharedBudget } from "./shared-budget.js";
import { Stint } from "./stint.js";
import { setStreamReferenced } from "./stream-reference.js";
import { allocateUnzeroed } from "./unzeroed.js";
import type { WaitingWrites } from "./waiting-writes.js";

export interface ConnectionOptions {
  readonly stream: Duplex;
  readonly negotiated: Negotiated;
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
  readonly #stint = new Stint();
  /** What ends it when everything that is here has been delivered. Given the bytes that were not. */
  #conclude: ((droppedBytes: number) => void) | undefined;

  constructor(options: ConnectionOptions) {
    const { stream, negotiated, rest, maxReceiveSize, maxQueuedBytes, busyPollUs, budget, waiting } = options;
    this.stream = stream;
    this.security = negotiated.protection.security;
    this.maxSendSize = negotiated.maxSendSize;
    this.#negotiated = negotiated;
    const overhead = negotiated.protection.bodyOverhead;
    this.#decoder = new FrameDecoder({
      maxBodyLength: maxReceiveSize + overhead,
      minBodyLength: overhead,
      allocate: allocateUnzeroed,
    });
    // Held back by the decoder, not by the reader, where that is paused: its budget is not for a peer to overdraw.
    if (rest.length > 0) negotiated.protection.push(this.#decoder, rest);
    const { protection } = negotiated;
    const exhausted = (error: CryptoError): void => this.#finish(error, false);
    this.outbox = new Outbox({ stream, protection, maxQueuedBytes, busyPollUs, budget, waiting, exhausted });
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

  /** Says whether this connection keeps the process alive. */
  setReferenced(referenced: boolean): void {
    setStreamReferenced(this.stream, referenced);
    this.#stint.setReferenced(referenced);
    this.outbox.setReferenced(referenced);
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
    this.#goOn();
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
    await drainOutbox({ outbox, stream, timeoutMs, farewell: () => this.#farewell() });
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

  #farewell(): Uint8Array | undefined {
    try {
      return this.#negotiated.protection.farewell();
    } catch (error) {
      // Used up: the peer will take this end for a cut, which is the truth that is left.
      if (!(error instanceof CryptoError)) throw error;
      return undefined;
    }
  }

  /** True for the first caller: from then on nothing is delivered or told. */
  #leave(): boolean {
    if (this.#events === undefined) return false;
    this.#events = undefined;
    this.#stint.cancel();
    const { stream } = this;
    stream.off("data", this.#onData);
    stream.off("end", this.#onEnd);
    stream.off("error", this.#onError);
    stream.off("close", this.#onClose);
    return true;
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#negotiated.protection.push(this.#decoder, chunk);
    this.#decode();
  };

  readonly #onEnd = (): void => {
    this.#deliverRest((dropped) => {
      try {
        if (dropped === 0) this.#negotiated.protection.end(this.#decoder);
      } catch (error) {
        this.#finish(asIpcError(error), false);
        return;
      }
      const left = this.outbox.queuedMessages;
      this.#finish(lostError("the peer ended the connection", left, dropped), left === 0 && dropped === 0);
    });
  };

  readonly #onError = (cause: Error): void => {
    this.#deliverRest((dropped) => {
      const left = this.outbox.queuedMessages;
      this.#finish(lostError(`the connection was cut: ${cause.message}`, left, dropped, cause), false);
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
  #deliverRest(conclude: (droppedBytes: number) => void): void {
    if (this.#events === undefined || this.#conclude !== undefined) return;
    this.#conclude = conclude;
    this.stream.off("data", this.#onData);
    this.#input = "over";
    this.#goOn();
  }

  /** Delivers what is here, then lets more come, or ends. */
  readonly #goOn = (): void => {
    this.#decode();
    // A chunk at a time: a bad frame in one ends it, and what lies behind is not looked at.
    while (this.#input === "over" && this.#isIdle()) {
      const chunk = readChunk(this.stream);
      if (chunk === null) {
        const { protection } = this.#negotiated;
        this.#conclude?.(this.#events?.takesRest() === false ? protection.bufferedBytes(this.#decoder) : 0);
        return;
      }
      this.#negotiated.protection.push(this.#decoder, chunk);
      this.#decode();
    }
    // Delivering may have paused it again, or ended it.
    if (this.#isFlowing()) this.stream.resume();
  };

  #decode(): void {
    if (this.#decoding || this.#stint.isResting) return;
    this.#decoding = true;
    this.#stint.begin();
    let buffer: ArrayBufferLike | undefined;
    try {
      while (this.#events !== undefined && this.#mayDeliver(this.#events)) {
        const message = this.#negotiated.protection.next(this.#decoder, this.#stint);
        if (message === undefined) break;
        if (message.type !== CONTROL_TYPE) {
          if (buffer !== undefined && buffer !== message.data.buffer) this.#events.bufferDone(buffer);
          buffer = message.data.buffer;
          this.#events.message(new ReceivedMessage(message.type, message.data));
        }
        if (this.#stint.isOver()) break;
      }
      if (this.#input === "over") this.#negotiated.protection.openFarewell(this.#decoder);
    } catch (error) {
      this.#finish(asIpcError(error), false);
    } finally {
      this.#decoding = false;
      if (buffer !== undefined) this.#events?.bufferDone(buffer);
    }
    this.#stint.end();
    if (this.#stint.isSpent && this.#events !== undefined) {
      this.stream.pause();
      this.#stint.rest(this.#goOn);
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
    return this.#input === "flowing" && this.#isIdle();
  }

  /** Whether it stands, and has done what there was to do. */
  #isIdle(): boolean {
    return this.#events !== undefined && !this.#stint.isResting;
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
