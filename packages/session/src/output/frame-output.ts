import type { Duplex } from "node:stream";
import { forgetsWritten } from "@ipc/transport/internal";
import { LARGE_BYTES, type MessageEncoder } from "../codec/codec.js";
import type { PromiseWatch } from "../deferred.js";
import { type IpcError, rethrowDefect } from "../errors.js";
import type { ResendBuffer } from "../resume/resend-buffer.js";
import { WriteTurn } from "../scheduling/write-turn.js";
import { busyPoll, nextMacrotask, noteBatched, noteTickEnd } from "../scheduling/write-yield.js";
import { HEAD_START_BYTES, HeadStarts } from "./head-starts.js";
import { LargeMessage } from "./large-message.js";
import { AHEAD_BYTES, callbackOf, LargeOutput, type WriteCallback } from "./large-output.js";
import { SendBuffer } from "./send-buffer.js";
import { WriteTracker } from "./write-tracker.js";

/** Bytes that a connection may batch without yielding once all connections together have batched 256 KiB in a tick. */
const SHARE_BYTES = 4_096;

export interface FrameOutputOptions {
  readonly stream: Duplex;
  readonly encoder: MessageEncoder;
  /** How long the event loop polls instead of sleeping after a send, in microseconds. */
  readonly busyPollUs: number;
  /** Keeps the messages until the peer has them. @default none does */
  readonly resend: ResendBuffer | undefined;
  /** Called when the kernel has taken bytes. */
  readonly written: () => void;
  /** Called when a batch or the rest of a large message cannot be encoded: these messages are not sent. */
  readonly failed: (error: IpcError) => void;
}

/** So many messages, and bytes with them. */
export interface Amount {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Writes frames to one stream: small ones of a tick together in one batch, large ones each by itself, in portions. Nothing may be added
 * behind a large one until its last portion is encoded, except control frames, which stay in the batch so long.
 */
export class FrameOutput {
  readonly tracker: WriteTracker;
  readonly encoder: MessageEncoder;
  /** Bytes that the batch may still take without reading `writableLength`, which only falls until the next stream write. */
  roomBytes = 0;
  readonly #stream: Duplex;
  readonly #busyPollUs: number;
  readonly #resend: ResendBuffer | undefined;
  readonly #buffer: SendBuffer;
  /** As the encoder has them, because each message needs them. */
  readonly #frameOverhead: number;
  readonly #yieldAfterBytes: number;
  /** A codec that seals its messages one by one may batch a quarter, and reaches both bounds of a tick with a quarter of the bytes. */
  readonly #cost: number;
  readonly #maxSmallBytes: number;
  readonly #headStarts: HeadStarts;
  /** Up to this length of the batch, with a second frame like the last one, there is no head start, and no writer yields for it alone. */
  #calmBytes = HEAD_START_BYTES;
  readonly #written: () => void;
  readonly #failed: (error: IpcError) => void;
  /** Undefined before the first large message. */
  #large: LargeOutput | undefined;
  #messagesInBatch = 0;
  #flushScheduled = false;
  /** The last turn that writers of this connection have waited for. */
  #turn: WriteTurn | undefined;
  #isStopped = false;
  /** Whether the messages are kept already, because an earlier connection was given them. */
  #isReplaying = false;

  constructor({ stream, encoder, busyPollUs, resend, written, failed }: FrameOutputOptions) {
    this.#stream = stream;
    this.encoder = encoder;
    this.#busyPollUs = busyPollUs;
    this.#resend = resend;
    this.#written = written;
    this.#failed = failed;
    this.#buffer = new SendBuffer(encoder.headroom, encoder.tailroom);
    this.#frameOverhead = encoder.frameOverhead;
    this.#yieldAfterBytes = encoder.yieldAfterBytes;
    this.#cost = LARGE_BYTES / encoder.yieldAfterBytes;
    this.#maxSmallBytes = Math.min(LARGE_BYTES - 1, this.#buffer.maxFrameBytes - encoder.frameOverhead);
    this.#headStarts = new HeadStarts(stream);
    this.tracker = new WriteTracker(stream);
  }

  /** Bytes of the batch of this tick. */
  get batchBytes(): number {
    return this.#buffer.length;
  }

  /** Whether a large message is not encoded to its end: messages must wait. */
  get isBusy(): boolean {
    return this.#large?.isBusy === true;
  }

  /** Bytes that the kernel has not taken. */
  get queuedBytes(): number {
    return this.#buffer.length + (this.#large?.leftBytes ?? 0) + this.#stream.writableLength;
  }

  /** The amount that the kernel has not taken, also after the stream has failed and counts its bytes no more. */
  get unsent(): Amount {
    const { messages, bytes } = this.tracker;
    return { messages: this.#messagesInBatch + messages, bytes: this.#buffer.length + bytes };
  }

  /** Messages and frame bytes of this tick that the session does not keep yet. */
  get unkept(): Amount {
    if (this.#isReplaying || this.#messagesInBatch === 0) return { messages: 0, bytes: 0 };
    const { headroom, tailroom } = this.encoder;
    return { messages: this.#messagesInBatch, bytes: this.#buffer.length - headroom - tailroom };
  }

  /** Sets whether the messages that follow are kept already. */
  setReplaying(isReplaying: boolean): void {
    this.handBatch();
    this.#isReplaying = isReplaying;
  }

  /** Whether data goes out by `addLarge`. */
  isLarge(data: Uint8Array): boolean {
    return data.length > this.#maxSmallBytes;
  }

  /** Adds a frame to the batch. Returns a promise if its writer has to yield, or if adding it has ended this output. @throws CryptoError */
  addSmall(type: number, data: Uint8Array, messages: 0 | 1): Promise<void> | undefined {
    const batch = this.#buffer;
    const length = this.#frameOverhead + data.length;
    if (!batch.hasRoom(length) && !this.#makeRoom(length)) return;
    this.encoder.writeFrame(batch.slab, batch.end, type, data);
    const batchBytes = batch.advance(length);
    this.#messagesInBatch += messages;
    this.roomBytes -= length;
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      process.nextTick(this.#flushTick);
    }
    const isShared = noteBatched(length * this.#cost);
    if (batchBytes + length <= this.#calmBytes && !isShared) return;
    return this.#afterSmall(length, messages, isShared);
  }

  /** Makes room in the batch, in a larger slab or by sending it. Returns false if that has ended this output. */
  #makeRoom(length: number): boolean {
    if (this.#buffer.makeRoom(length)) return true;
    this.finish();
    if (this.#isStopped) return false;
    if (!this.#buffer.makeRoom(length)) throw new Error(`a batch without room for ${length} bytes was not sent`);
    return true;
  }

  /** Sends the batch ahead of its time, or returns what the writer of its last frame waits for, if that has to be. */
  #afterSmall(length: number, messages: 0 | 1, isShared: boolean): Promise<void> | undefined {
    const batch = this.#buffer;
    if (this.#headStarts.take(batch.length, this.#messagesInBatch, isShared)) {
      this.handBatch();
      if (this.#isStopped) return nextMacrotask();
    }
    const maxBytes = isShared ? SHARE_BYTES / this.#cost : LARGE_BYTES;
    // A second frame of this size would not fit: the full batch is sent in this tick, so that no small rest follows it.
    if (batch.length + length <= maxBytes && batch.length < this.#yieldAfterBytes) return;
    // No writer waits behind a control frame, or behind a message that is sent again.
    if (messages === 0 || this.#isReplaying) return;
    this.#turn = WriteTurn.take(this.#turn);
    return this.#turn.promise;
  }

  /**
   * Writes a message by itself, behind the batch: its first portion at once. Returns whether it was added, which it is not when the
   * batch before it cannot be sealed.
   * @throws CryptoError; then nothing is written
   */
  addLarge(type: number, data: Uint8Array): boolean {
    // Hand over the batch before the message is encoded, because records must be sent in the order in which they are sealed.
    this.handBatch();
    if (this.#isStopped) return false;
    const message = new LargeMessage(this.encoder, type, data);
    const first = message.next();
    if (!this.#isReplaying) this.#resend?.keepMessage(type, data, true);
    this.tracker.add(message.bytes, 1);
    this.#large ??= this.#createLarge();
    this.#large.begin(message, first);
    // A session has a copy, and its caller may change the data meanwhile.
    if (this.#resend === undefined) this.#large.goOn();
    else this.finish();
    return true;
  }

  /** Waits until the kernel has a large message that was just added. */
  whenSent(data: Uint8Array, signal: AbortSignal | undefined, watch: PromiseWatch): Promise<void> | undefined {
    // An abort ends the wait, and the caller may then change the data: what is missing is encoded at once.
    const encodeRest = (): void => {
      if (this.#large?.isAt(data) === true) this.finish();
    };
    const accepted = "write (accepted, the message may still be sent)";
    return this.tracker.wait(accepted, signal, { watch, onCancel: signal && encodeRest });
  }

  /** Waits until the kernel has all that was added; undefined if it has. Call `handBatch` first. */
  whenFlushed(signal: AbortSignal | undefined): Promise<void> | undefined {
    // Behind a large message, a control frame is still in the batch.
    return this.tracker.wait("flush", signal, this.isBusy ? { batchBytes: this.batchBytes } : undefined);
  }

  /** Encodes and hands all that waits to be encoded. */
  finish(): void {
    this.#large?.finish();
    this.#handRest();
  }

  /** The same, unless it takes longer than a turn of the event loop may. Returns whether the output ends behind a message. */
  tryFinish(): boolean {
    if (this.#large !== undefined && this.#large.leftBytes > AHEAD_BYTES) return false;
    this.finish();
    return !this.#isStopped && !this.isBusy;
  }

  handBatch(): void {
    if (this.#buffer.length === 0 || this.isBusy) return;
    const batch = this.#buffer.take();
    const messages = this.#messagesInBatch;
    this.#messagesInBatch = 0;
    if (!this.#isReplaying) this.#resend?.keepHanded(this.#framesOf(batch), messages);
    try {
      this.encoder.sealBatch(batch);
    } catch (thrown) {
      this.tracker.add(batch.length, messages);
      this.#failed(rethrowDefect(thrown));
      return;
    }
    this.#headStarts.noteBatch(batch.length);
    this.hand(batch, messages);
  }

  /** Hands sealed bytes to the stream. */
  hand(bytes: Uint8Array, messages: number): void {
    this.tracker.add(bytes.length, messages);
    this.#write(bytes, this.#onWritten);
  }

  #write(bytes: Uint8Array, written: WriteCallback | undefined): void {
    this.roomBytes = 0;
    try {
      this.#stream.write(bytes, written);
    } catch (error) {
      // A caller's stream has thrown; with 'error' and 'close' the connection ends.
      this.#stream.destroy(error as Error);
    }
    if (this.#busyPollUs > 0) busyPoll(this.#busyPollUs);
  }

  /** Writes nothing more. The batch of this tick is dropped, or stays with the session. */
  stop(): void {
    this.#isStopped = true;
    this.roomBytes = 0;
    this.#large?.stop();
    if (this.#resend === undefined) return;
    if (!this.#isReplaying && this.#buffer.length > 0)
      this.#resend.keep(this.#framesOf(this.#buffer.take()), this.#messagesInBatch);
    this.#messagesInBatch = 0;
  }

  readonly #flushTick = (): void => {
    this.#flushScheduled = false;
    noteTickEnd();
    this.#handRest();
    this.#calmBytes = this.#headStarts.endTick() ? HEAD_START_BYTES : this.#yieldAfterBytes;
  };

  readonly #onWritten = (error?: Error | null): void => {
    // The connection handles stream failures in its 'error' and 'close' listeners, the single path for every end.
    if (error || this.#isStopped) return;
    this.#large?.onWritten();
    this.tracker.update(this.#large?.leftBytes ?? 0);
    this.#written();
    if (this.#buffer.length === 0 && this.tracker.isIdle) this.#buffer.shrink();
  };

  #createLarge(): LargeOutput {
    const frees = this.encoder.ownsChunks === true && forgetsWritten(this.#stream);
    return new LargeOutput({
      stream: this.#stream,
      // Another chunk of the portion reports both.
      write: (chunk, isLast) => this.#write(chunk, callbackOf(chunk, frees, isLast ? this.#onWritten : undefined)),
      ended: () => this.#handRest(),
      written: this.#written,
      failed: this.#failed,
    });
  }

  #handRest(): void {
    if (!this.#isStopped) this.handBatch();
  }

  #framesOf(batch: Uint8Array): Uint8Array {
    const { headroom, tailroom } = this.encoder;
    return batch.subarray(headroom, batch.length - tailroom);
  }
}
