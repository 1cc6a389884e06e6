import type { BigIntStats } from "node:fs";

/** Every right of anybody but the owner. */
const GROUP_AND_OTHERS = 0o077;
const WRITE_OF_GROUP_AND_OTHERS = 0o022;
/** In a sticky directory, like /tmp, only the owner of an entry, or of the directory, may rename or remove the entry. */
const STICKY = 0o1000;

/** Says whether only the owner has rights to a file or a directory. */
export function isOwnerOnly(stats: BigIntStats): boolean {
  return (modeOf(stats) & GROUP_AND_OTHERS) === 0;
}

/** Says whether others than the owner of a directory can exchange what lies in it and is not theirs. */
export function isReplaceable(stats: BigIntStats): boolean {
  const mode = modeOf(stats);
  return (mode & WRITE_OF_GROUP_AND_OTHERS) !== 0 && (mode & STICKY) === 0;
}

/** Shows the mode as `chmod` takes it: `0600`. */
export function formatMode(stats: BigIntStats): string {
  return `0${modeOf(stats).toString(8)}`;
}

function modeOf(stats: BigIntStats): number {
  return Number(stats.mode & 0o7777n);
}
