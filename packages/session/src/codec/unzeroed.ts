/** Below this many bytes zeroing costs less than a buffer of Node's own. */
const WORTH_IT_BYTES = 4_096;

/** Allocates memory that its caller overwrites, every byte: a megabyte of zeros costs as much as half a copy of it. */
export function allocateUnzeroed(bytes: number): Uint8Array {
  if (bytes < WORTH_IT_BYTES) return new Uint8Array(bytes);
  // Always a plain Uint8Array over memory of its own: that of a pool would be kept alive by others, and a Buffer's methods differ.
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(bytes);
  return new Uint8Array(buffer, byteOffset, bytes);
}
