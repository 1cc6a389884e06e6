import { allocateUnzeroed } from "../codec/frame-codec.js";

/** Size of a slab, in bytes: about what one batch fills. */
export const SLAB_BYTES = 65_536;

/** Slabs that are kept for later, together 4 MiB: fresh memory costs more than the copies that go into it. */
const MAX_SLABS = 64;

/** The slabs that no session of this process uses at the moment. */
const free: Uint8Array[] = [];

/** Returns a slab. It holds what others have left in it, so only bytes that were written may be read. */
export function takeSlab(): Uint8Array {
  return free.pop() ?? allocateUnzeroed(SLAB_BYTES);
}

/** Gives a slab back, of which nothing holds a view any more. */
export function returnSlab(slab: Uint8Array): void {
  if (free.length < MAX_SLABS) free.push(slab);
}
