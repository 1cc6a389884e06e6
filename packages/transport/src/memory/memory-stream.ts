import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { guardStream } from "../net/connect.js";

type Done = (error?: Error | null) => void;

/** Size of the simulated kernel buffer: a side that does not read takes this many bytes before its writer waits. */
const HIGH_WATER_BYTES = 65_536;

/**
 * Creates two streams that behave like the two ends of a connected socket:
 * - written data arrives in a later turn of the event loop, in order, chunk by chunk;
 * - a write is done when the other side has room for it, so a side that does not read makes the writer wait;
 * - the end of one side is 'end' at the other, which then ends itself after its queued writes;
 * - `destroy()` is 'end' at the other side; `destroy(error)`, or `destroy()` before everything was read, is ECONNRESET there.
 *
 * Data is copied once, as by a kernel, into memory of its own: the writer may reuse its buffer when its write is done, and no
 * chunk shares memory with anything else. Like every stream of a transport, both are guarded against an 'error' without a listener.
 */
export function memoryPair(): [Duplex, Duplex] {
  const near = new MemoryStream();
  const far = new MemoryStream();
  near.join(far);
  far.join(near);
  return [guardStream(near), guardStream(far)];
}

class MemoryStream extends Duplex {
  /** This stream itself until `join` is called. */
  #peer: MemoryStream = this;
  /** Callback of the write that the peer has not taken yet. */
  #inFlight: Done | undefined;
  /** Chunks that the peer has written and this stream has not taken yet. */
  #parcel: Buffer[] = [];
  #peerEnded = false;
  #scheduled = false;

  constructor() {
    // Like a net.Socket, so that an owner that ignores the peer's end leaks nothing.
    super({ allowHalfOpen: false, highWaterMark: HIGH_WATER_BYTES });
  }

  join(peer: MemoryStream): void {
    this.#peer = peer;
  }

  override _read(): void {
    if (this.#parcel.length > 0) this.#schedule();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#hand([copyOf(chunk)], done);
  }

  override _writev(writes: readonly { readonly chunk: Buffer }[], done: Done): void {
    this.#hand(
      writes.map(({ chunk }) => copyOf(chunk)),
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
    // Node settles the writes in its own queue, but not the one that it has passed to `_write` already.
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

  // A turn of the event loop instead of a microtask: two peers that answer each other at once would otherwise block timers and
  // sockets for ever.
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
    // Without room, `_read` is called as soon as there is some. A 'data' listener that destroys this stream empties the parcel.
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

/** Not pooled: the pool has other data of the process, which a reader could reach through `chunk.buffer`. */
function copyOf(chunk: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(chunk.length);
  copy.set(chunk);
  return copy;
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
