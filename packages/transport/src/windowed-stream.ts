import { Duplex } from "node:stream";

type Done = (error?: Error | null) => void;

/** Sizes of a stream over messages at its start, in bytes. */
export interface WindowSizes {
  /** The most that may be on the way to the peer: sent, and not yet in its stream's buffer. */
  readonly sendWindow: number;
  /** The most that may be on the way to this side; a peer that sends more breaks the protocol. */
  readonly receiveWindow: number;
  /** The most data in one message. */
  readonly maxChunk: number;
  /** The peer is told what has been taken once it is this much; at most half of `receiveWindow`. */
  readonly tellAfter: number;
}

/** Counted for each chunk beside its data, for the objects that hold it: a peer may send one byte at a time. */
const CHUNK_OVERHEAD_BYTES = 160;
const HIGH_WATER_BYTES = 65_536;

/**
 * One end of a connection over a channel of messages, which behaves like a socket:
 * - the end of one side is 'end' at the other, which then ends itself after its queued writes;
 * - `destroy()` is 'end' at the other side; `destroy(error)`, or `destroy()` before everything was read, is ECONNRESET there;
 * - a channel that closes is 'end', and writes fail with EPIPE.
 *
 * A side that does not read makes its writer wait once a window is on the way. A subclass maps the five messages to its channel,
 * which delivers them in order: a chunk of data, so many bytes taken, the end, a reset, and that the channel has closed.
 */
export abstract class WindowedStream extends Duplex {
  #sendWindow: number;
  #receiveWindow: number;
  #tellAfter: number;
  readonly #maxChunk: number;
  /** Chunks that were received and have no room in the stream's buffer. */
  readonly #received: Buffer[] = [];
  #receivedBytes = 0;
  /** Taken, and the peer does not know yet. */
  #untoldBytes = 0;
  #peerEnded = false;
  #channelClosed = false;
  /** Sent and not yet taken by the peer. */
  #outstandingBytes = 0;
  /** The write that has been sent in part. */
  #rest: { readonly chunk: Uint8Array; readonly done: Done } | undefined;

  protected constructor(sizes: WindowSizes) {
    // Like a net.Socket, so that an owner that ignores the peer's end leaks nothing.
    super({ allowHalfOpen: false, highWaterMark: HIGH_WATER_BYTES });
    this.#sendWindow = sizes.sendWindow;
    this.#receiveWindow = sizes.receiveWindow;
    this.#tellAfter = sizes.tellAfter;
    this.#maxChunk = sizes.maxChunk;
  }

  /** Sends a chunk of 1 … `maxChunk` bytes. Its memory is the writer's, so what is kept is copied. */
  protected abstract sendChunk(chunk: Uint8Array): void;
  protected abstract sendTaken(bytes: number): void;
  protected abstract sendEnd(): void;
  protected abstract sendReset(): void;
  /** Releases the channel. Called once, after the last message, which is still to be delivered. */
  protected abstract release(): void;

  /** Whether the peer has ended, so that nothing of it can be missing. */
  protected get peerEnded(): boolean {
    return this.#peerEnded;
  }

  protected get sendWindow(): number {
    return this.#sendWindow;
  }

  protected get receiveWindow(): number {
    return this.#receiveWindow;
  }

  /** Sent, and the peer has not said that it has taken it. */
  protected get outstandingBytes(): number {
    return this.#outstandingBytes;
  }

  /** Received, and not yet in the stream's buffer. */
  protected get receivedBytes(): number {
    return this.#receivedBytes;
  }

  protected resizeSendWindow(bytes: number): void {
    this.#sendWindow = bytes;
    this.#sendRest();
  }

  protected resizeReceiveWindow(bytes: number, tellAfter: number): void {
    this.#receiveWindow = bytes;
    this.#tellAfter = tellAfter;
  }

  /** Tells the peer all that has been taken. */
  protected tellTaken(): void {
    const bytes = this.#untoldBytes;
    if (bytes === 0 || this.#channelClosed) return;
    this.#untoldBytes = 0;
    this.sendTaken(bytes);
  }

  /** Takes a chunk into memory of this stream. @returns false if the peer may not send it: it is empty, or past the window */
  protected receiveChunk(chunk: Buffer): boolean {
    const bytes = chunk.length + CHUNK_OVERHEAD_BYTES;
    if (chunk.length === 0 || this.#receivedBytes + bytes > this.#receiveWindow) return false;
    if (this.#peerEnded) return true;
    this.#received.push(chunk);
    this.#receivedBytes += bytes;
    this.#deliver();
    return true;
  }

  /** @returns false if so much was not on the way */
  protected receiveTaken(bytes: number): boolean {
    if (bytes <= 0 || bytes > this.#outstandingBytes) return false;
    this.#outstandingBytes -= bytes;
    this.#sendRest();
    return true;
  }

  protected receiveEnd(): void {
    this.#peerEnded = true;
    this.#deliver();
  }

  protected receiveReset(): void {
    this.destroy(systemError("ECONNRESET", "read"));
  }

  /** Ends the stream after what has been received; writes fail from now on. */
  protected receiveClose(): void {
    this.#channelClosed = true;
    const done = this.#rest?.done;
    this.#rest = undefined;
    done?.(systemError("EPIPE", "write"));
    this.receiveEnd();
  }

  override _read(): void {
    // Node asks before it takes what is in the buffer, and only once: a chunk that is there has to follow.
    this.#deliver(true);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    if (this.#channelClosed) done(systemError("EPIPE", "write"));
    else this.#send(chunk, done);
  }

  override _final(done: Done): void {
    if (!this.#channelClosed) this.sendEnd();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const unread = this.#received.length > 0 || this.readableLength > 0;
    const settle = this.#rest?.done;
    this.#rest = undefined;
    this.#received.length = 0;
    if (!this.#channelClosed) {
      if (error !== null || unread) this.sendReset();
      else if (!this.writableFinished) this.sendEnd();
      this.#channelClosed = true;
    }
    this.release();
    // Node settles the writes in its own queue, but not the one that it has passed to `_write` already.
    if (settle !== undefined) process.nextTick(settle, error ?? systemError("ECANCELED", "write"));
    done(error);
  }

  #deliver(isAsked = false): void {
    let hasRoom = isAsked || this.readableLength < this.readableHighWaterMark;
    while (hasRoom) {
      const chunk = this.#received.shift();
      if (chunk === undefined) break;
      const bytes = chunk.length + CHUNK_OVERHEAD_BYTES;
      this.#untoldBytes += bytes;
      this.#receivedBytes -= bytes;
      this.push(chunk);
      hasRoom = this.readableLength < this.readableHighWaterMark;
    }
    if (this.#untoldBytes >= this.#tellAfter) this.tellTaken();
    if (this.#peerEnded && this.#received.length === 0 && !this.destroyed) this.push(null);
  }

  #sendRest(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#send(rest.chunk, rest.done);
  }

  /** Sends as much as the window has room for, and keeps the rest. */
  #send(chunk: Uint8Array, done: Done): void {
    let sent = 0;
    while (sent < chunk.length) {
      const room = this.#sendWindow - this.#outstandingBytes - CHUNK_OVERHEAD_BYTES;
      if (room <= 0) {
        this.#rest = { chunk: chunk.subarray(sent), done };
        return;
      }
      const bytes = Math.min(chunk.length - sent, this.#maxChunk, room);
      this.#outstandingBytes += bytes + CHUNK_OVERHEAD_BYTES;
      this.sendChunk(chunk.subarray(sent, sent + bytes));
      sent += bytes;
    }
    done();
  }
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
