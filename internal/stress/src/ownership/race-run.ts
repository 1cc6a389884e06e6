import { join } from "node:path";
import { clock } from "../process/calls.js";
import { Place } from "../process/place.js";
import { SeededRandom } from "../random.js";
import { assertOutcome, leaveStaleSocket, type Owner, SOCKET, startOwner } from "./owner.js";

/** Long enough for an order to arrive before its time, in milliseconds. */
const AHEAD_MS = 5;
/** How far apart two starters are, at the most, in milliseconds; a start takes a few. */
const MAX_SKEW_MS = 2;

/** The name that two starters find: a free one, the file of a killed server, or a server that is closing at that moment. */
const GROUNDS = ["free", "stale", "closing"] as const;
type Ground = (typeof GROUNDS)[number];

export interface RaceResult {
  readonly ground: Ground;
  readonly races: number;
  /** How often each of the two was the owner; neither was when the closing server still held the name for both. */
  readonly first: number;
  readonly second: number;
  readonly neither: number;
}

interface Runners {
  readonly one: Owner;
  readonly other: Owner;
  /** Has the name before them, or not. */
  readonly old: Owner;
}

/**
 * Lets two processes start a server of the same name at the same moment, so many times on each ground: one is the owner and serves,
 * the other is told that the address is in use. Where an old server closes at that moment, both may be told so.
 * @throws Error when it came out otherwise
 */
export function raceForSocket(races: number): Promise<RaceResult[]> {
  return Place.lend(async (place) => {
    const [one, other, old] = await Promise.all([startOwner(place), startOwner(place), startOwner(place)]);
    const results: RaceResult[] = [];
    for (const ground of GROUNDS) results.push(await playRaces(ground, races, place, { one, other, old }));
    for (const owner of [one, other, old]) await owner.end();
    return results;
  });
}

async function playRaces(
  ground: Ground,
  races: number,
  place: Place,
  { one, other, old }: Runners,
): Promise<RaceResult> {
  const random = new SeededRandom(races);
  const wins = { first: 0, second: 0, neither: 0 };
  for (let race = 0; race < races; race++) {
    if (ground === "stale") await leaveStaleSocket(join(place.directory, SOCKET));
    if (ground === "closing") assertOutcome(await old.call("listen"), "ok");
    const at = clock() + AHEAD_MS;
    const moment = (): number => at + random.integer(0, MAX_SKEW_MS * 1_000) / 1_000;
    const starts = [one.call("listen", { at: moment() }), other.call("listen", { at: moment() })] as const;
    const [first, second] = await Promise.all([...starts, old.call("close", moment())]);
    const owner = first === "ok" ? "first" : second === "ok" ? "second" : "neither";
    wins[owner]++;
    if (owner === "neither" && ground === "closing") {
      assertOutcome(`${first} ${second}`, "IPC_ADDRESS_IN_USE IPC_ADDRESS_IN_USE");
      place.assertHolds();
      continue;
    }
    assertOutcome(owner === "first" ? second : first, "IPC_ADDRESS_IN_USE");
    place.assertHolds(SOCKET);
    const [winner, loser] = owner === "first" ? [one, other] : [other, one];
    assertOutcome(await loser.call("dial"), "ok");
    await winner.call("close");
    place.assertHolds();
  }
  return { ground, races, ...wins };
}
