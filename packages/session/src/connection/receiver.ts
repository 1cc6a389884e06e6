import type { Duplex } from "node:stream";
import { FREED_FROM_BYTES } from "@ipc/crypto";
import { MESSAGE_HEADER_BYTES, type MessageBody } from "@ipc/framing";
import { hasOneReader } from "@ipc/transport/internal";
import type { MessageDecoder } from "../codec/codec.js";
import { type IpcError, isIpcError, rethrowDefect } from "../errors.js";
import { CONTROL_TYPE, markShared } from "../message.js";
import { TimeSlice } from "../scheduling/time-slice.js";
import { assertBytes } from "../stream-input.js";

export interface ReceiverEvents {
  readonly message: (message: MessageBody) => void;
  /** Called when every message of `buffer` that can be delivered now has been delivered. */
  readonly bufferDone: (buffer: ArrayBufferLike) => void;
  /** Whether messages that a pause held back may still be delivered after the connection has ended. */
  readonly acceptsRemaining: () => boolean;
}

export interface ControlReceiver {
  /** May throw: the input is invalid then. */
  receive(data: Uint8Array): void;
}

const DISCARDED: ReceiverEvents = { message() {}, bufferDone() {}, acceptsRemaining: () => false };

/**
 * Decodes the input of one stream and delivers its messages: at most a time slice at once, none while it is paused, and after the
 * end of the stream the buffered ones. A listener may pause or stop it, or end its connection, while it is given a message.
 */
export class Receiver {
  readonly #stream: Duplex;
  readonly #decoder: MessageDecoder;
  readonly #failed: (error: IpcError) => void;
  readonly #control: ControlReceiver | undefined;
  readonly #timeSlice = new TimeSlice();
  /** Undefined before `attach` and after `stop`: nothing is delivered then. */
  #events: ReceiverEvents | undefined;
  /** Whether messages are delivered as they arrive. `over`: the stream has ended, and buffered messages are still delivered. */
  #input: "flowing" | "paused" | "over" = "flowing";
  #isDecoding = false;
  #receivedBytes = 0;
  /** Messages that the reader no longer accepted after the end of the stream, as plain frames. */
  #droppedBytes = 0;
  #drained: ((droppedBytes: number) => void) | undefined;
  #heard: (() => void) | undefined;

  /**
   * @param failed called when the input is invalid: the connection must end
   * @param control gets the data of each control frame, in order with the messages. @default it is dropped
   */
  constructor(stream: Duplex, decoder: MessageDecoder, failed: (error: IpcError) => void, control?: ControlReceiver) {
    this.#stream = stream;
    this.#decoder = decoder;
    this.#failed = failed;
    this.#control = control;
  }

  /** Bytes of messages that are not delivered or not complete. */
  get bufferedBytes(): number {
    return this.#decoder.bufferedBytes;
  }

  /** Bytes received since `attach`. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  attach(events: ReceiverEvents): void {
    this.#events = events;
    this.#stream.on("data", this.#onData);
    this.#stream.pause();
  }

  /** Ends all delivery; also cancels `drain`. */
  stop(): void {
    this.#events = undefined;
    this.#timeSlice.cancel();
    this.#stream.off("data", this.#onData);
  }

  /** After `stop`: drops the messages that arrive, and passes on control frames only, until `stop` is called again. */
  discard(): void {
    this.#events = DISCARDED;
    if (this.#input !== "over") {
      this.#input = "flowing";
      this.#stream.on("data", this.#onData);
    }
    this.run();
  }

  /** Calls `heard` once, when bytes arrive next and before anything in them is delivered. */
  notifyOnce(heard: () => void): void {
    this.#heard = heard;
  }

  /** Stops delivery until `resume`; the paused stream then applies backpressure to the peer. */
  pause(): void {
    if (this.#input === "over") return;
    this.#input = "paused";
    this.#stream.pause();
  }

  resume(): void {
    if (this.#input !== "paused") return;
    this.#input = "flowing";
    this.run();
  }

  /** Delivers what is buffered here, and lets the stream flow or reads it to its end. */
  run(): void {
    this.#decode();
    // Read one chunk at a time, because a bad frame ends the connection and later chunks must not be decoded.
    while (this.#input === "over" && this.#isActive()) {
      const chunk: unknown = this.#stream.read();
      if (chunk === null) {
        this.#drained?.(this.#droppedBytes);
        return;
      }
      this.#push(chunk);
      this.#decode();
    }
    // A listener may have paused or ended the connection during delivery.
    if (this.#input === "flowing" && this.#isActive()) this.#stream.resume();
  }

  /**
   * Delivers the complete messages that a pause held back, as far as the reader accepts them, and drops the later ones, because
   * the peer's announcement of its end may follow. Then calls `drained` with the number of bytes that it dropped.
   */
  drain(drained: (droppedBytes: number) => void): void {
    if (this.#input === "over") return;
    this.#input = "over";
    this.#drained = drained;
    this.#stream.off("data", this.#onData);
    this.run();
  }

  /** Returns the error of a stream that may not end after the bytes received. */
  truncation(): IpcError | undefined {
    try {
      this.#decoder.end();
      return undefined;
    } catch (error) {
      return rethrowDefect(error);
    }
  }

  readonly #onData = (chunk: unknown): void => {
    const heard = this.#heard;
    this.#heard = undefined;
    heard?.();
    const isPushed = this.#push(chunk);
    this.#decode();
    if (isPushed && chunk.length >= FREED_FROM_BYTES && hasOneReader(this.#stream)) this.#decoder.release?.(chunk);
  };

  /** Returns false, and ends the stream, if the chunk is not bytes or the decoder does not take it. */
  #push(chunk: unknown): chunk is Uint8Array {
    try {
      assertBytes(chunk);
      this.#receivedBytes += chunk.length;
      this.#decoder.push(chunk);
      return true;
    } catch (error) {
      if (isIpcError(error)) this.#failed(error);
      else this.#stream.destroy(error as Error);
      return false;
    }
  }

  #decode(): void {
    // A caller's stream may emit 'data' during a listener's write, and its messages come after the one being delivered.
    if (this.#isDecoding || this.#timeSlice.isYielding) return;
    this.#isDecoding = true;
    this.#timeSlice.begin();
    try {
      this.#deliver();
    } catch (error) {
      this.#failed(rethrowDefect(error));
    } finally {
      this.#isDecoding = false;
    }
    this.#timeSlice.end();
    if (this.#timeSlice.isExpired && this.#events !== undefined) {
      this.#stream.pause();
      this.#timeSlice.yield(() => this.run());
    }
  }

  #deliver(): void {
    let buffer: ArrayBufferLike | undefined;
    while (this.#events !== undefined && this.#input !== "paused") {
      const message = this.#decoder.nextMessage(this.#timeSlice);
      if (message === undefined) break;
      if (message.type === CONTROL_TYPE) {
        this.#control?.receive(message.data);
      } else if (this.#input === "over" && this.#drops(this.#events)) {
        this.#droppedBytes += MESSAGE_HEADER_BYTES + message.data.length;
      } else {
        const shared = this.#decoder.sharedBuffer;
        const memory = shared ?? message.data.buffer;
        if (buffer !== memory) {
          if (buffer !== undefined) this.#events.bufferDone(buffer);
          buffer = memory;
          if (shared !== undefined && this.#decoder.bufferedBytes > 0) markShared(shared);
        }
        this.#events.message(message);
      }
      if (this.#timeSlice.countStep()) break;
    }
    if (buffer !== undefined) this.#events?.bufferDone(buffer);
  }

  /** Whether a message that was received before the end is dropped: nothing is delivered behind a gap. */
  #drops(events: ReceiverEvents): boolean {
    return this.#droppedBytes > 0 || !events.acceptsRemaining();
  }

  /** Whether this is attached and not yielding to the event loop. */
  #isActive(): boolean {
    return this.#events !== undefined && !this.#timeSlice.isYielding;
  }
}
