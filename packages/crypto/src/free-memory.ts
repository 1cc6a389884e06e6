import { types } from "node:util";
import type { MessagePort } from "node:worker_threads";

/** Freeing smaller memory costs more than allocating anew, in bytes. */
export const FREED_FROM_BYTES = 16_384;

/**
 * So much memory is allocated and freed once, in bytes, unused. glibc returns free memory at the end of its heap to the kernel if it is
 * more than twice the largest block that was freed before: that of the last few records, which each allocation would then get back page
 * by page. With more, the whole process takes larger blocks from the heap, where one at its end keeps all that is free before it.
 * @see mallopt(3), M_MMAP_THRESHOLD
 */
const LARGEST_FREED_BYTES = 1_048_576;

/** A port without another end: what is transferred to it is freed. */
let closedPort: MessagePort | undefined;

/** Whether this runtime can transfer memory: others than Node.js have the functions and may not implement them. */
let canFree = true;

/** The list of what is transferred, reused by each call. */
const transferList: [ArrayBuffer | undefined] = [undefined];

/**
 * Frees memory at once instead of leaving it to the garbage collector, which comes only after many MiB: the next allocation gets the same
 * memory, which is in the processor's cache and needs no page fault. The array then has no bytes. Does nothing if it has less than
 * 16 384 bytes or is not the whole of its ArrayBuffer.
 * @param memory nothing else may have a reference to it
 */
export function freeMemory(memory: Uint8Array): void {
  const { buffer, length } = memory;
  if (length < FREED_FROM_BYTES || length !== buffer.byteLength || !canFree || !types.isArrayBuffer(buffer)) return;
  transferList[0] = buffer;
  try {
    closedPort ??= createClosedPort();
    closedPort.postMessage(undefined, transferList as [ArrayBuffer]);
  } catch {
    canFree = false;
  }
  transferList[0] = undefined;
}

/** Loaded when it is needed, because many processes do not need it and would wait for it. */
function createClosedPort(): MessagePort {
  const { MessageChannel } = process.getBuiltinModule("node:worker_threads");
  const { port1 } = new MessageChannel();
  port1.close();
  try {
    port1.postMessage(undefined, [Buffer.allocUnsafeSlow(LARGEST_FREED_BYTES).buffer as ArrayBuffer]);
  } catch {
    // There is no such block at the moment. Records are freed all the same.
  }
  return port1;
}
