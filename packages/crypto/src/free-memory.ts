import { types } from "node:util";
import { MessageChannel, type MessagePort } from "node:worker_threads";

/** Freeing smaller memory costs more than allocating anew, in bytes. */
export const FREED_FROM_BYTES = 16_384;

/** A port without another end: what is transferred to it is freed. */
let closedPort: MessagePort | undefined;

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
  if (length < FREED_FROM_BYTES || length !== buffer.byteLength || !types.isArrayBuffer(buffer)) return;
  closedPort ??= createClosedPort();
  transferList[0] = buffer;
  closedPort.postMessage(undefined, transferList as [ArrayBuffer]);
  transferList[0] = undefined;
}

function createClosedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
