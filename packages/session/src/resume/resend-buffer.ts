import { MESSAGE_HEADER_BYTES, writeMessageHeader } from "@ipc/framing";
import { allocateUnzeroed } from "../codec/frame-codec.js";
import { Fifo } from "../inbox/fifo.js";
import { CONTROL_TYPE } from "../message.js";
import type { BudgetWaiter, SharedBudget } from "../shared-budget.js";
import { type FrameRange, LostMessages, skipFrame } from "./lost-messages.js";
import { returnSlab, SLAB_BYTES, takeSlab } from "./slab-pool.js";

/** The memory of a session that keeps little, in bytes. */
const FIRST_BYTES = 4_096;

/** A message as it was accepted. */
export interface KeptMessage {
  readonly type: number;
  /** A view into the buffer. */
  readonly data: Uint8Array;
}

/** Frames of `messages` messages, and any number of control frames. */
interface Chunk extends FrameRange {
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
  /** In bytes. */
  readonly limit: number;
  readonly #budget: SharedBudget | undefined;
  readonly #chunks = new Fifo<Chunk>();
  /** The newest chunk, to which frames are added. */
  #open: Chunk | undefined;
  /** Reused whenever nothing is kept. */
  #first: Uint8Array | undefined;
  #bytes = 0;
  #messages = 0;
  /** Messages of the oldest chunk that are released, and whose frames are not skipped yet. */
  #unskipped = 0;
  /** Chunks that were dropped, so that an iteration finds its place again. */
  #shifted = 0;
  #acknowledged = 0;
  #handed = 0;
  #written = 0;

  /** @param limit in bytes; one message may exceed it. @param budget shared with other buffers */
  constructor(limit: number, budget?: SharedBudget) {
    this.limit = limit;
    this.#budget = budget;
  }

  /** Bytes of the kept frames. */
  get bytes(): number {
    this.#skip();
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

  /** Bytes that may be kept at least; if it is 0 or less, `hasRoom` tells exactly. */
  get roomBytes(): number {
    return Math.min(this.limit, this.#budget?.share ?? this.limit) - this.#bytes;
  }

  /** Whether less than half of the limit is left. */
  get isHalfFull(): boolean {
    return this.roomBytes * 2 < this.limit;
  }

  /** @param pendingBytes of frames that will be added */
  hasRoom(pendingBytes: number): boolean {
    if (this.roomBytes > pendingBytes) return true;
    this.#skip();
    return this.roomBytes > pendingBytes || this.#bytes + pendingBytes === 0;
  }

  /** Calls `waiter` when others have freed bytes of the shared budget, if there is no room because of them. @see hasRoom */
  waitForBudget(pendingBytes: number, waiter: BudgetWaiter): void {
    if (!this.hasRoom(pendingBytes) && this.#bytes + pendingBytes < this.limit) this.#budget?.wait(waiter);
  }

  /** Ends a wait for the shared budget. */
  leaveWait(waiter: BudgetWaiter): void {
    this.#budget?.leave(waiter);
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
    const released = received - this.#acknowledged;
    this.#acknowledged = received;
    this.#messages -= released;
    let left = released + this.#unskipped;
    for (let chunk = this.#chunks.at(0); chunk !== undefined && left >= chunk.messages; chunk = this.#chunks.at(0)) {
      left -= chunk.messages;
      this.#shift();
      this.#drop(chunk.end - chunk.at);
      this.#recycle(chunk);
    }
    this.#unskipped = left;
  }

  /** Skips the frames of the oldest chunk that were released. Done late, because a chunk that is released as a whole needs no skips. */
  #skip(): void {
    const chunk = this.#chunks.at(0);
    if (chunk === undefined || this.#unskipped === 0) return;
    const { at } = chunk;
    chunk.messages -= this.#unskipped;
    while (this.#unskipped > 0) if (skipFrame(chunk) !== CONTROL_TYPE) this.#unskipped--;
    this.#drop(chunk.at - at);
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

  /** Drops everything, and hands over the messages behind number `received`, with their memory: nothing else is written to it. */
  handOver(received: number): LostMessages {
    this.release(Math.min(Math.max(received, this.#acknowledged), this.last));
    this.#skip();
    const lost = new LostMessages(this.#messages);
    for (let chunk = this.#shift(); chunk !== undefined; chunk = this.#shift())
      if (!lost.add(chunk)) this.#recycle(chunk);
    this.clear();
    return lost;
  }

  /** Drops everything. */
  clear(): void {
    this.#budget?.remove(this.#bytes);
    this.#bytes = 0;
    this.#acknowledged = this.last;
    this.#messages = 0;
    this.#unskipped = 0;
    for (let chunk = this.#shift(); chunk !== undefined; chunk = this.#shift()) this.#recycle(chunk);
    this.#first = undefined;
  }

  /**
   * The kept messages. Those that were returned may be released meanwhile: then nothing of their chunk is read any more, not even
   * the control frames behind the last message, because its memory may belong to another session by then.
   */
  *#kept(): Generator<KeptMessage, void> {
    this.#skip();
    const next = (place: number): number => Math.max(place + 1, this.#shifted);
    for (let place = this.#shifted; place < this.#shifted + this.#chunks.length; place = next(place)) {
      const { slab, at, end } = this.#chunks.at(place - this.#shifted) as Chunk;
      const cursor = { slab, at };
      while (place >= this.#shifted && cursor.at < end) {
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
    const chunk: Chunk = { slab: this.#memory(bytes), at: 0, end: 0, messages: 0 };
    this.#chunks.push(chunk);
    this.#open = chunk;
    return chunk;
  }

  /** Returns little memory for the first messages, and a slab once that is full, so that an idle session holds 4 KiB. */
  #memory(bytes: number): Uint8Array {
    if (bytes > SLAB_BYTES) return allocateUnzeroed(bytes);
    if (this.#open !== undefined || bytes > FIRST_BYTES) return takeSlab();
    this.#first ??= allocateUnzeroed(FIRST_BYTES);
    return this.#first;
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

  /** Takes the oldest chunk out; an iteration that is in it ends there. */
  #shift(): Chunk | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) this.#shifted++;
    if (this.#open === chunk) this.#open = undefined;
    return chunk;
  }

  #recycle(chunk: Chunk): void {
    if (chunk.slab.length === SLAB_BYTES) returnSlab(chunk.slab);
  }

  #advance(handed: number): void {
    this.#handed = handed;
    if (handed > this.#written) this.#written = handed;
  }
}
