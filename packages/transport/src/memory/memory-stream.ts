import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { guardStream } from "../net/connect.js";

type Done = (error?: Error | null) => void;

/** Stands for the kernel's buffer: a reader that stands still takes this many bytes before its writer waits. */
const HIGH_WATER_BYTES = 65_536;

/**
 * Gives two streams, each the other's far end, that behave as the two ends of a connected socket:
 * - what is written arrives in a later turn of the event loop, in order; chunk by chunk;
 * - a write is done when the other side has room for it, so a reader that stands still makes the writer wait;
 * - the end of one side is the other's 'end', which then ends itself after its queued writes;
 * - `destroy()` is an 'end' for the other side; `destroy(error)`, or `destroy()` before everything was read, is an
 *   ECONNRESET for it.
 *
 * Data is copied once, as by a kernel: the writer may reuse its buffer when its write is done. Like every stream of a
 * transport, both are guarded against an 'error' without a listener.
 */
export function memoryPair(): [Duplex, Duplex] {
  const near = new MemoryStream();
  const far = new MemoryStream();
  near.join(far);
  far.join(near);
  return [guardStream(near), guardStream(far)];
}

class MemoryStream extends Duplex {
  /** Itself until it is joined. */
  #peer: MemoryStream = this;
  /** Settles our write that the peer has not taken yet. */
  #inFlight: Done | undefined;
  /** What the peer has written and we have not taken yet. */
  #parcel: Buffer[] = [];
  #peerEnded = false;
  #scheduled = false;

  constructor() {
    // As a net.Socket: an owner that does nothing at the peer's end leaks nothing.
    super({ allowHalfOpen: false, highWaterMark: HIGH_WATER_BYTES });
  }

  join(peer: MemoryStream): void {
    this.#peer = peer;
  }

  override _read(): void {
    if (this.#parcel.length > 0) this.#schedule();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#hand([Buffer.from(chunk)], done);
  }

  override _writev(writes: readonly { readonly chunk: Buffer }[], done: Done): void {
    this.#hand(
      writes.map(({ chunk }) => Buffer.from(chunk)),
      done,
    );
  }

  override _final(done: Done): void {
    this.#peer.#end();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const unread = this.#parcel.length > 0 || this.readableLength > 0;
    this.#parcel = [];
    if (error !== null || unread) this.#peer.#reset();
    else this.#peer.#end();
    // Node settles the writes that wait in its queue, and leaves the one that it has handed over to us.
    const settle = this.#inFlight;
    this.#inFlight = undefined;
    if (settle !== undefined) process.nextTick(settle, error ?? systemError("ECANCELED", "write"));
    done(error);
  }

  #hand(parcel: Buffer[], done: Done): void {
    const peer = this.#peer;
    if (peer.destroyed) {
      done(systemError("EPIPE", "write"));
      return;
    }
    this.#inFlight = done;
    peer.#parcel = parcel;
    peer.#schedule();
  }

  #end(): void {
    this.#peerEnded = true;
    this.#schedule();
  }

  #reset(): void {
    setImmediate(() => this.destroy(systemError("ECONNRESET", "read")));
  }

  // A turn of the event loop and no microtask: two peers that answer each other at once would otherwise keep timers and
  // sockets waiting for ever.
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.destroyed) return;
    // Without room, `_read` is called as soon as there is some. A listener that destroys us at a chunk empties the parcel.
    while (this.#parcel.length > 0 && this.readableLength < this.readableHighWaterMark) {
      const isLast = this.#parcel.length === 1;
      this.push(this.#parcel.shift());
      if (isLast) this.#peer.#taken();
    }
    // The peer's next write, if one was waiting, is in the parcel by now.
    if (this.#peerEnded && this.#parcel.length === 0 && !this.destroyed) this.push(null);
  }

  #taken(): void {
    const done = this.#inFlight;
    this.#inFlight = undefined;
    done?.();
  }
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
