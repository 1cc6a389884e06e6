import { Duplex } from "node:stream";
import { types } from "node:util";
import { TransportError } from "../transport-error.js";

/** What the transport uses of a MessagePort or a Worker of `node:worker_threads`. */
export interface MessagePortLike {
  postMessage(value: unknown, transferList: readonly ArrayBuffer[]): void;
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  /** Only a Worker has it. */
  readonly threadId?: number;
  ref(): void;
  unref(): void;
  /** A Worker has none. */
  close?(): void;
}

type Done = (error?: Error | null) => void;

/** Bytes that may be on the way to a side: posted there, and not yet in its stream's buffer. */
const WINDOW_BYTES = 262_144;
const MAX_CHUNK_BYTES = 65_536;

/** The messages other than data, which is an ArrayBuffer, and than a number: so many bytes have been taken. */
const END = "end";
const RESET = "reset";

/**
 * One end of a connection over a port, which behaves like a socket:
 * - the end of one side is 'end' at the other, which then ends itself after its queued writes;
 * - `destroy()` is 'end' at the other side; `destroy(error)`, or `destroy()` before everything was read, is ECONNRESET there;
 * - a port that closes without a word, because its thread has ended, is 'end', and writes fail with EPIPE.
 *
 * A side that does not read makes its writer wait once `WINDOW_BYTES` are on the way. A side that posts more is destroyed.
 */
export class PortStream extends Duplex {
  readonly #port: MessagePortLike;
  /** Chunks that were received and have no room in the stream's buffer. */
  readonly #received: Buffer[] = [];
  #receivedBytes = 0;
  #peerEnded = false;
  #portClosed = false;
  /** Posted and not yet taken by the peer. */
  #outstandingBytes = 0;
  /** The write that has been posted in part. */
  #rest: { readonly chunk: Uint8Array; readonly done: Done } | undefined;

  constructor(port: MessagePortLike) {
    // Like a net.Socket, so that an owner that ignores the peer's end leaks nothing.
    super({ allowHalfOpen: false, highWaterMark: MAX_CHUNK_BYTES });
    this.#port = port;
    port.on("message", this.#onMessage);
    port.on("messageerror", this.#onMessageError);
    port.on(this.#isWorker ? "exit" : "close", this.#onPortClose);
    // To listen has referenced the port. Nothing keeps the process alive before a client or a server uses the transport.
    this.unref();
  }

  /** A Worker keeps the process alive by itself, and stops when it does not: that is for its owner to say. */
  ref(): this {
    if (!this.#isWorker) this.#port.ref();
    return this;
  }

  unref(): this {
    if (!this.#isWorker) this.#port.unref();
    return this;
  }

  override _read(): void {
    // Node asks before it takes what is in the buffer, and only once: a chunk that is there has to follow.
    this.#deliver(true);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    if (this.#portClosed) {
      done(systemError("EPIPE", "write"));
      return;
    }
    this.#post(chunk, done);
  }

  override _final(done: Done): void {
    this.#tell(END);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const unread = this.#receivedBytes > 0 || this.readableLength > 0;
    const settle = this.#rest?.done;
    this.#rest = undefined;
    this.#received.length = 0;
    this.#receivedBytes = 0;
    if (error !== null || unread) this.#tell(RESET);
    else if (!this.writableFinished) this.#tell(END);
    this.#release();
    // Node settles the writes in its own queue, but not the one that it has passed to `_write` already.
    if (settle !== undefined) process.nextTick(settle, error ?? systemError("ECANCELED", "write"));
    done(error);
  }

  get #isWorker(): boolean {
    return typeof this.#port.close !== "function";
  }

  readonly #onMessage = (value: unknown): void => {
    if (value === END) this.#end();
    else if (value === RESET) this.destroy(systemError("ECONNRESET", "read"));
    else if (typeof value === "number" && value > 0 && value <= this.#outstandingBytes) this.#taken(value);
    else if (types.isArrayBuffer(value) && this.#fits(value)) this.#receive(value);
    else
      this.#fail(
        "something else posts to the port, or it holds more than 256 KiB; give the transport a port of its own",
      );
  };

  /** Each chunk counts: a writer posts no empty one, and any number of those would be within the window. */
  #fits({ byteLength }: ArrayBuffer): boolean {
    return byteLength > 0 && this.#receivedBytes + byteLength <= WINDOW_BYTES;
  }

  readonly #onMessageError = (): void => this.#fail("a message could not be deserialized");

  readonly #onPortClose = (): void => {
    this.#portClosed = true;
    const done = this.#rest?.done;
    this.#rest = undefined;
    done?.(systemError("EPIPE", "write"));
    this.#end();
  };

  #fail(what: string): void {
    this.destroy(new TransportError("IPC_TRANSPORT_FAILED", `the connection over a message port failed: ${what}`));
  }

  #receive(buffer: ArrayBuffer): void {
    if (this.#peerEnded) return;
    this.#received.push(Buffer.from(buffer));
    this.#receivedBytes += buffer.byteLength;
    this.#deliver();
  }

  #end(): void {
    this.#peerEnded = true;
    this.#deliver();
  }

  #deliver(isAsked = false): void {
    let taken = 0;
    let hasRoom = isAsked || this.readableLength < this.readableHighWaterMark;
    while (hasRoom) {
      const chunk = this.#received.shift();
      if (chunk === undefined) break;
      taken += chunk.length;
      this.#receivedBytes -= chunk.length;
      this.push(chunk);
      hasRoom = this.readableLength < this.readableHighWaterMark;
    }
    if (taken > 0 && !this.destroyed) this.#tell(taken);
    if (this.#peerEnded && this.#received.length === 0 && !this.destroyed) this.push(null);
  }

  #taken(bytes: number): void {
    this.#outstandingBytes -= bytes;
    const rest = this.#rest;
    if (rest === undefined) return;
    this.#rest = undefined;
    this.#post(rest.chunk, rest.done);
  }

  /** Posts as much as the window has room for, and keeps the rest. */
  #post(chunk: Uint8Array, done: Done): void {
    let posted = 0;
    while (posted < chunk.length) {
      const bytes = Math.min(chunk.length - posted, MAX_CHUNK_BYTES, WINDOW_BYTES - this.#outstandingBytes);
      if (bytes === 0) {
        this.#rest = { chunk: chunk.subarray(posted), done };
        return;
      }
      // Memory of its own, which is transferred: to transfer a Buffer of the pool would detach all that the pool has lent.
      const copy = new Uint8Array(chunk.subarray(posted, posted + bytes)).buffer;
      this.#outstandingBytes += bytes;
      posted += bytes;
      this.#port.postMessage(copy, [copy]);
    }
    done();
  }

  #tell(message: typeof END | typeof RESET | number): void {
    if (!this.#portClosed) this.#port.postMessage(message, []);
  }

  #release(): void {
    this.#port.off("message", this.#onMessage);
    this.#port.off("messageerror", this.#onMessageError);
    this.#port.off(this.#isWorker ? "exit" : "close", this.#onPortClose);
    this.#portClosed = true;
    // What was posted before is still delivered.
    this.#port.close?.();
  }
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
