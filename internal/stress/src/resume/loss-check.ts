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

/** The messages of a lost session that the other application took. */
export interface Taken {
  /** How many messages, first to last. */
  readonly taken: number;
  /** Whether it took all that its process had received, which that process has proved to the writer. */
  readonly isProved: boolean;
}

/** Says what is wrong with what a writer was told of a lost session; undefined: nothing. */
export function findWrongLoss(loss: Loss, { taken, isProved }: Taken): string | undefined {
  const { isBusy, accepted, undelivered, unconfirmed, awayFrom } = loss;
  if (isBusy && taken > 0) return `the server was busy with the client before, and ${taken} of ${accepted} were taken`;
  const from = accepted - undelivered.length;
  const isSuffix = undelivered.every((number, index) => number === from + index);
  if (!isSuffix) return `undelivered are ${undelivered.join()}, not the last of ${accepted}`;
  if (taken > from) return `message ${from} of ${accepted} is called undelivered, and ${taken} were taken`;
  if (from > awayFrom) return `message ${awayFrom} of ${accepted} had no connection, and ${from} may have arrived`;
  if (isProved && taken < from) return `${from} of ${accepted} are proved to have arrived, and ${taken} were taken`;
  const confirmed = from - unconfirmed;
  if (confirmed < 0) return `${unconfirmed} unconfirmed and ${undelivered.length} undelivered of ${accepted}`;
  return taken < confirmed ? `${confirmed} of ${accepted} are called taken, and ${taken} were` : undefined;
}
