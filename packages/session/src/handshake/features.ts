/** Optional parts of the protocol, as bits of the offer and of the select; a connection uses what both sides announce. */
export const FEATURE = {
  /** Control frames: messages of type 0 between two @ipc peers. @see docs/WIRE.md, "Control frames" */
  controlFrames: 0b0001,
} as const;

/** The bits that this version knows; others are ignored. */
export const FEATURE_MASK: number = FEATURE.controlFrames;

export function readUint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value & 0xff;
}
