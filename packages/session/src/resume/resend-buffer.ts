import { MESSAGE_HEADER_BYTES, readUint32, TYPE_BYTES, UINT32_BYTES, writeMessageHeader } from "@ipc/framing";
import { Fifo } from "../inbox/fifo.js";
import { CONTROL_TYPE } from "../message.js";
import type { SharedBudget } from "../shared-budget.js";

const FIRST_SLAB_BYTES = 4_096;
const SLAB_BYTES = 65_536;

/** A message as it was accepted. */
export interface KeptMessage {
  readonly type: number;
  /** A view into the buffer. */
  readonly data: Uint8Array;
}

/** Plain frames in memory: `frames from at … end`, with `messages` messages and any number of control frames. */
interface Chunk {
  readonly slab: Uint8Array;
  at: number;
  end: number;
  messages: number;
}

/**
 * Numbers the messages of one direction, and keeps a copy of each until the peer has received it.
 *
 * ```
 *  1 … acknowledged │ acknowledged+1 … handed │ handed+1 … last
 *  the peer has them│ written to this          │ not yet
 *                   │ connection               │
 * ```
 * The batches of a connection are copied as a whole, so keeping costs nothing for each message.
 */
export class ResendBuffer {
  readonly #limit: number;
  readonly #budget: SharedBudget | undefined;
  readonly #chunks = new Fifo<Chunk>();
  /** The newest chunk, to which frames are added. */
  #open: Chunk | undefined;
  #spare: Uint8Array | undefined;
  #bytes = 0;
  #messages = 0;
  #acknowledged = 0;
  #handed = 0;
  #written = 0;

  /** @param limit in bytes; one message may exceed it. @param budget shared with other buffers */
  constructor(limit: number, budget?: SharedBudget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  /** Bytes of the kept frames. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number of messages kept. */
  get messages(): number {
    return this.#messages;
  }

  /** The number of the last message that the peer is known to have received. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The number of the last message. */
  get last(): number {
    return this.#acknowledged + this.#messages;
  }

  /** The number of the last message that was handed to the current connection. */
  get handed(): number {
    return this.#handed;
  }

  /** The number of the last message that was handed to any connection. */
  get written(): number {
    return this.#written;
  }

  /** Bytes that may still be kept; 0 or less if it is full. */
  get roomBytes(): number {
    return Math.min(this.#limit, this.#budget?.share ?? this.#limit) - this.#bytes;
  }

  /** @param pendingBytes of frames that will be added */
  hasRoom(pendingBytes: number): boolean {
    return this.#bytes + pendingBytes === 0 || this.roomBytes > pendingBytes;
  }

  /** Keeps a batch of frames that is about to be handed to the connection. */
  keepHanded(frames: Uint8Array, messages: number): void {
    if (messages === 0) return;
    this.keep(frames, messages);
    this.#advance(this.#handed + messages);
  }

  /** Keeps a batch of frames that no connection gets now. */
  keep(frames: Uint8Array, messages: number): void {
    if (messages === 0) return;
    const { slab, end } = this.#room(frames.length);
    slab.set(frames, end);
    this.#added(frames.length, messages);
  }

  /** Keeps one message. @param isHanded whether it is about to be handed to the connection */
  keepMessage(type: number, data: Uint8Array, isHanded: boolean): void {
    const bytes = MESSAGE_HEADER_BYTES + data.length;
    const { slab, end } = this.#room(bytes);
    writeMessageHeader(slab, end, type, data.length);
    slab.set(data, end + MESSAGE_HEADER_BYTES);
    this.#added(bytes, 1);
    if (isHanded) this.#advance(this.#handed + 1);
  }

  /** Drops the messages up to number `received`, `acknowledged` … `last`. */
  release(received: number): void {
    let left = received - this.#acknowledged;
    this.#acknowledged = received;
    this.#messages -= left;
    for (let chunk = this.#chunks.at(0); chunk !== undefined && left >= chunk.messages; chunk = this.#chunks.at(0)) {
      left -= chunk.messages;
      this.#chunks.shift();
      this.#drop(chunk.end - chunk.at);
      this.#recycle(chunk);
    }
    const partial = this.#chunks.at(0);
    if (partial === undefined || left === 0) return;
    const { at } = partial;
    partial.messages -= left;
    while (left > 0) if (skipFrame(partial) !== CONTROL_TYPE) left--;
    this.#drop(partial.at - at);
  }

  /** Continues on a new connection, which is handed every message that is kept. */
  rewind(): void {
    this.#handed = this.#acknowledged;
  }

  /** The messages that the connection has not been handed, oldest first; each counts as handed once it is returned. */
  *unhanded(): Generator<KeptMessage, void> {
    let number = this.#acknowledged;
    for (const message of this.#kept()) {
      number++;
      if (number <= this.#handed) continue;
      this.#advance(number);
      yield message;
    }
  }

  /** Returns the messages from number `from` on, in memory of their own. */
  copyFrom(from: number): KeptMessage[] {
    const copies: KeptMessage[] = [];
    let number = this.#acknowledged;
    for (const { type, data } of this.#kept()) {
      number++;
      if (number >= from) copies.push({ type, data: new Uint8Array(data) });
    }
    return copies;
  }

  /** Drops everything. */
  clear(): void {
    this.#budget?.remove(this.#bytes);
    this.#bytes = 0;
    this.#acknowledged = this.last;
    this.#messages = 0;
    while (this.#chunks.shift() !== undefined);
    this.#open = undefined;
    this.#spare = undefined;
  }

  *#kept(): Generator<KeptMessage, void> {
    for (let index = 0; index < this.#chunks.length; index++) {
      const { slab, at, end } = this.#chunks.at(index) as Chunk;
      const cursor = { slab, at };
      while (cursor.at < end) {
        const start = cursor.at + MESSAGE_HEADER_BYTES;
        const type = skipFrame(cursor);
        if (type !== CONTROL_TYPE) yield { type, data: slab.subarray(start, cursor.at) };
      }
    }
  }

  /** Returns the chunk to which `bytes` can be added. */
  #room(bytes: number): Chunk {
    const open = this.#open;
    if (open !== undefined && open.end + bytes <= open.slab.length) return open;
    const slab =
      bytes <= SLAB_BYTES ? this.#slab(open === undefined ? FIRST_SLAB_BYTES : SLAB_BYTES, bytes) : memory(bytes);
    const chunk: Chunk = { slab, at: 0, end: 0, messages: 0 };
    this.#chunks.push(chunk);
    this.#open = chunk;
    return chunk;
  }

  #slab(wanted: number, bytes: number): Uint8Array {
    const spare = this.#spare;
    if (spare === undefined || spare.length < bytes) return memory(bytes <= wanted ? wanted : SLAB_BYTES);
    this.#spare = undefined;
    return spare;
  }

  #added(bytes: number, messages: number): void {
    const open = this.#open as Chunk;
    open.end += bytes;
    open.messages += messages;
    this.#messages += messages;
    this.#bytes += bytes;
    this.#budget?.add(bytes);
  }

  #drop(bytes: number): void {
    this.#bytes -= bytes;
    this.#budget?.remove(bytes);
  }

  /** Keeps one slab for the next chunk; the first one only if nothing else is kept, so that an idle session holds 4 KiB. */
  #recycle({ slab }: Chunk): void {
    const isIdle = this.#chunks.length === 0;
    if (isIdle) this.#open = undefined;
    const wanted = isIdle ? FIRST_SLAB_BYTES : SLAB_BYTES;
    if (slab.length === wanted) this.#spare = slab;
    else if (isIdle) this.#spare = undefined;
  }

  #advance(handed: number): void {
    this.#handed = handed;
    if (handed > this.#written) this.#written = handed;
  }
}

/** Moves behind the frame at `at`, and returns its type. */
function skipFrame(cursor: { readonly slab: Uint8Array; at: number }): number {
  const { slab, at } = cursor;
  cursor.at = at + MESSAGE_HEADER_BYTES - TYPE_BYTES + readUint32(slab, at);
  return readUint32(slab, at + UINT32_BYTES);
}

/** Not zeroed, because only written bytes are read. */
function memory(bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(bytes);
}
