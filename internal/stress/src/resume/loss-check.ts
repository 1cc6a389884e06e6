import { readFileSync } from "node:fs";
import type { Loss } from "./counter.js";

/** By session, how many messages a process has taken, as its log says: they come in order, without a gap. */
export function readLog(path: string): ReadonlyMap<number, number> {
  const taken = new Map<number, number>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line === "") continue;
    const [session, number] = line.split(" ").map(Number) as [number, number];
    taken.set(session, number + 1);
  }
  return taken;
}

/**
 * Says what is wrong with what a writer was told of a lost session; undefined: nothing.
 * @param taken how many messages of this session the other application took, first to last
 */
export function findWrongLoss({ isBusy, accepted, undelivered, unconfirmed }: Loss, taken: number): string | undefined {
  if (isBusy && taken > 0) return `the server was busy with the client before, and ${taken} of ${accepted} were taken`;
  const from = accepted - undelivered.length;
  const isSuffix = undelivered.every((number, index) => number === from + index);
  if (!isSuffix) return `undelivered are ${undelivered.join()}, not the last of ${accepted}`;
  if (taken > from) return `message ${from} of ${accepted} is called undelivered, and ${taken} were taken`;
  const confirmed = from - unconfirmed;
  if (confirmed < 0) return `${unconfirmed} unconfirmed and ${undelivered.length} undelivered of ${accepted}`;
  return taken < confirmed ? `${confirmed} of ${accepted} are called taken, and ${taken} were` : undefined;
}
