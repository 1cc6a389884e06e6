/** Bytes of every integer on the wire: u32, big-endian. */
export const UINT32_BYTES = 4;

/** The largest u32, 4 294 967 295. */
export const UINT32_MAX = 0xffff_ffff;

/** Reads the u32 at `offset`; the caller has made sure that four bytes are there. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  const high = bytes[offset] as number;
  // `<<` is signed: multiplying keeps values from 2^31 up positive.
  return (
    high * 0x100_0000 +
    (((bytes[offset + 1] as number) << 16) | ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number))
  );
}

/** Writes `value` (0 … 2^32-1) at `offset`. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
