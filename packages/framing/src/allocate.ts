/** Gives memory of exactly so many bytes. */
export type Allocate = (bytes: number) => Uint8Array;
