import { MESSAGE_HEADER_BYTES, readUint32, TYPE_BYTES, UINT32_BYTES } from "@ipc/framing";
import type { UndeliveredMessage } from "../errors.js";
import { CONTROL_TYPE, markShared } from "../message.js";

/** Plain frames in memory: those from `at` to `end`. */
export interface FrameRange {
  readonly slab: Uint8Array;
  readonly at: number;
  readonly end: number;
}

/**
 * The messages that a session leaves behind, in the memory in which it kept them: how many they are is known at once, and each costs
 * something only when they are read.
 */
export class LostMessages {
  readonly length: number;
  readonly #ranges: FrameRange[] = [];
  constructor(length: number) {
    this.length = length;
  }

  /** Takes over the memory of the next frames. Returns false if it copies them instead, because they would keep twice as much alive. */
  add({ slab, at, end }: FrameRange): boolean {
    const isTaken = (end - at) * 2 >= slab.length;
    // A reader gets views, and with them the whole memory, in which other sessions may have left messages.
    if (isTaken) slab.fill(0, 0, at).fill(0, end);
    this.#ranges.push(isTaken ? { slab, at, end } : { slab: slab.slice(at, end), at: 0, end: end - at });
    return isTaken;
  }

  /** Returns the messages as views of that memory, oldest first. */
  read(): UndeliveredMessage[] {
    const messages: UndeliveredMessage[] = [];
    for (const { slab, at, end } of this.#ranges) {
      const cursor = { slab, at };
      const before = messages.length;
      while (cursor.at < end) {
        const start = cursor.at + MESSAGE_HEADER_BYTES;
        const type = skipFrame(cursor);
        if (type !== CONTROL_TYPE) messages.push({ type, data: slab.subarray(start, cursor.at) });
      }
      if (messages.length > before + 1) markShared(slab.buffer);
    }
    return messages;
  }
}

/** Moves behind the frame at `at`, and returns its type. */
export function skipFrame(cursor: { readonly slab: Uint8Array; at: number }): number {
  const { slab, at } = cursor;
  cursor.at = at + MESSAGE_HEADER_BYTES - TYPE_BYTES + readUint32(slab, at);
  return readUint32(slab, at + UINT32_BYTES);
}
