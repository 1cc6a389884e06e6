/** Gives memory of exactly so many bytes. */
export type AllocateBuffer = (bytes: number) => Uint8Array;
