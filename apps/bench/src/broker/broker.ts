import type { Scenario } from "@ipc-internal/stress";
import { markdownTable } from "markdown-table";
import { grouped, short, sizeText, spread } from "../number-text.js";
import { median } from "../quantile.js";
import { type IdleCosts, measureIdle } from "./idle.js";
import { BrokerPlace } from "./place.js";
import {
  bareContestant,
  type Contestant,
  type Duel,
  measureOneWay,
  measureRoundTrips,
  ourContestant,
  type Work,
} from "./speed.js";

const KIB = 1_024;
const GIB = 1_073_741_824;
/** The number of clients for which the figures of one are multiplied. */
const MANY = 100_000;
/** The limit of a round trip, ours ÷ NATS's. */
const MOST_RATIO = 1.3;
const ROUND_TRIP: Work = { bytes: 64, messages: 2_000 };
const ONE_WAY: readonly Work[] = [
  { bytes: 64, messages: 50_000 },
  { bytes: 65_536, messages: 400 },
];

/** The cost of a connection over a broker beside the broker's own messages, and that of an idle one. */
export const broker: Scenario<"rounds" | "clients" | "seconds"> = {
  what: "measures connections over a NATS broker beside NATS alone, and idle ones",
  page: "MACHINES.md",
  options: { rounds: 15, clients: 1_000, seconds: 30 },

  async run({ rounds, clients, seconds }) {
    const costs = await inPlace((place) => measureIdle(place, clients, seconds));
    const { met, figures } = reportDuels(await inPlace((place) => measureDuels(place, rounds)));
    return { figures: `${reportIdle(costs)}\n\n${figures}`, met };
  },
};

/** Measures in processes that have done nothing before. */
async function inPlace<T>(measure: (place: BrokerPlace) => Promise<T>): Promise<T> {
  await using place = await BrokerPlace.start();
  return await measure(place);
}

/** By what is measured, the figures of all rounds. */
export type Duels = Readonly<Record<string, Duel>>;

const MICROSECONDS = "round trip of 64 B, µs";

/** Measures each work with both in turn; the next round begins with the other, so that load on the machine meets both alike. */
async function measureDuels(place: BrokerPlace, rounds: number): Promise<Duels> {
  const client = await place.startClient();
  const contestants = { bare: bareContestant(place.connection), ours: ourContestant(client) };
  const names = ["bare", "ours"] as const;
  const figures: Record<string, { bare: number[]; ours: number[] }> = {};
  const note = (what: string, name: "bare" | "ours", value: number): void => {
    figures[what] ??= { bare: [], ours: [] };
    figures[what][name].push(value);
  };
  // One round more, which warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      for (const [what, value] of await measureAll(place, contestants[name])) if (round > 0) note(what, name, value);
    }
  }
  await client.close();
  return figures;
}

async function measureAll(place: BrokerPlace, contestant: Contestant): Promise<[what: string, value: number][]> {
  const trips = await measureRoundTrips(place, contestant, ROUND_TRIP);
  const values: [string, number][] = [
    [MICROSECONDS, trips.us],
    ["– processor time, µs", trips.cpuUs],
  ];
  for (const work of ONE_WAY) {
    const { perSecond, cpuUs } = await measureOneWay(place, contestant, work);
    values.push(
      [`one way ${sizeText(work.bytes)}, messages/s`, perSecond],
      [`– ${sizeText(work.bytes)}, processor time, µs`, cpuUs],
    );
  }
  return values;
}

/** Tells the figures as a table, and whether a round trip meets its target: by the median of the ratios of all rounds. */
export function reportDuels(duels: Duels): { readonly figures: string; readonly met: boolean } {
  const rows = Object.entries(duels).map(([what, duel]) => [
    what,
    spread(duel.bare),
    spread(duel.ours),
    short(ratio(duel)),
  ]);
  const roundTrip = duels[MICROSECONDS];
  const met = roundTrip !== undefined && ratio(roundTrip) <= MOST_RATIO;
  const head = ["", "NATS alone", "@ipc over NATS", "÷ NATS"];
  const table = markdownTable([head, ...rows], { align: ["l", "r", "r", "r"] });
  const target = `Target: a round trip ÷ NATS's request and reply of at most ${MOST_RATIO}: ${met ? "met" : "MISSED"}.`;
  return { figures: `${table}\n\n${target}`, met };
}

function ratio({ bare, ours }: Duel): number {
  return median(ours.map((value, round) => value / (bare[round] ?? Number.NaN)));
}

/** Tells what an idle client costs, and many of them. */
export function reportIdle(costs: IdleCosts): string {
  const { serverBytes, brokerBytes, messagesPerSecond, serverShare, brokerShare } = costs;
  const rows = [
    ["memory of its server", `${short(serverBytes / KIB)} KiB`, `${short((serverBytes * MANY) / GIB)} GiB`],
    ["memory of the broker", `${short(brokerBytes / KIB)} KiB`, `${short((brokerBytes * MANY) / GIB)} GiB`],
    ["messages in each direction", `${short(messagesPerSecond)}/s`, `${short(messagesPerSecond * MANY)}/s`],
    ["processor of its server", percent(serverShare), `${short(serverShare * MANY)} cores`],
    ["processor of the broker", percent(brokerShare), `${short(brokerShare * MANY)} cores`],
  ];
  const head = ["of each idle client", "measured", `of ${grouped(MANY)} clients`];
  return markdownTable([head, ...rows], { align: ["l", "r", "r"] });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(4)} % of a core`;
}
