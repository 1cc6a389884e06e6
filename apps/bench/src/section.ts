import { BOTH_MANNERS } from "./adapter.js";
import type { Order } from "./order.js";

const KIB = 1_024;
const MIB = 1_048_576;

/** One table of the document: the same work at several sizes, or with several numbers of clients. */
export interface Section {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Point {
  /** Bytes of a message, clients, or busy cores. */
  readonly at: number;
  readonly rounds: number;
  readonly order: Order;
  /** Cores that are kept busy by processes that have no part in the work. @default 0 */
  readonly busyCores?: number;
  /** The contestants that take part. @default all */
  readonly only?: readonly string[];
}

/** Thousands of handshakes take minutes: these are enough to show whether a connection's cost depends on their number. */
const GREAT_CROWD = 10_000;
const FEW = ["bare loop", "plain", "secure"];

/** The section of @ipc/rpc. It has figures of several sizes at its only point. */
export const CALLS = "calls";

/** How long everything takes. */
export interface Pace {
  /** Whether the figures say little. */
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly sendMs: number;
  readonly pings: number;
  readonly pingMs: number;
  /** Round trips of large messages: a thousand have ten that are slower than their p99. */
  readonly largePings: number;
  /** Round trips of which the slowest in a thousand are told, and for how long at the most. */
  readonly tailPings: number;
  readonly tailMs: number;
  readonly fanIn: readonly number[];
  /** Clients that are spread over several processes. */
  readonly fanInOfMany: readonly number[];
  readonly crowds: readonly number[];
  /** Clients, one of which does not read. */
  readonly stalled: number;
  /** Messages of which the system calls, and the allocations, are counted. */
  readonly calls: number;
  /** For how long the calls of @ipc/rpc are measured, each kind of them. */
  readonly callSeconds: number;
  /** How long each is watched to see where its time goes. */
  readonly profileMs: number;
}

export const FULL: Pace = {
  isQuick: false,
  rounds: 5,
  sendMs: 250,
  pings: 20_000,
  pingMs: 1_500,
  largePings: 1_000,
  tailPings: 15_000,
  tailMs: 8_000,
  fanIn: [1, 10, 100, 1_000],
  fanInOfMany: [10, 1_000],
  crowds: [1_000, 10_000],
  stalled: 50,
  calls: 50_000,
  callSeconds: 0.5,
  profileMs: 3_000,
};

export const QUICK: Pace = {
  isQuick: true,
  rounds: 1,
  sendMs: 100,
  pings: 5_000,
  pingMs: 500,
  largePings: 100,
  tailPings: 5_000,
  tailMs: 1_000,
  fanIn: [1, 10, 100],
  fanInOfMany: [10, 100],
  crowds: [200],
  stalled: 50,
  calls: 20_000,
  callSeconds: 0.2,
  profileMs: 1_000,
};

/** The pace of tests, which show that everything works, not how fast. */
export const SLICE: Pace = {
  isQuick: true,
  rounds: 1,
  sendMs: 1,
  pings: 20,
  pingMs: 10,
  largePings: 5,
  tailPings: 20,
  tailMs: 10,
  fanIn: [3],
  fanInOfMany: [10],
  crowds: [5],
  stalled: 4,
  calls: 500,
  callSeconds: 0.01,
  profileMs: 20,
};

/** The work that two revisions are compared with: whatever takes no minutes, and the calls of @ipc/rpc. */
export function comparedSections(pace: Pace): Section[] {
  const order: Order = { workload: "calls", seconds: pace.callSeconds };
  return [
    ...sectionsOf(pace).map(({ name, points }) => ({ name, points: points.filter(({ only }) => only === undefined) })),
    { name: CALLS, points: [{ at: 0, rounds: pace.rounds, order }] },
  ];
}

export function sectionsOf(pace: Pace): Section[] {
  const { rounds, sendMs, pings, pingMs } = pace;
  const few = Math.ceil(rounds / 2);
  return [
    {
      name: "exchange",
      points: [64, KIB, 64 * KIB, MIB].map((size) => ({
        at: size,
        rounds: size === KIB ? few : rounds,
        order: {
          workload: "exchange",
          size,
          ...(size > KIB ? { pings: pace.largePings, pingMs: 4 * pingMs } : { pings, pingMs }),
          manners: BOTH_MANNERS,
          sendMs: size === 64 ? 2 * sendMs : sendMs,
        },
      })),
    },
    {
      name: "tails",
      points: [0, 1].map((busyCores) => ({
        at: busyCores,
        busyCores,
        rounds: few,
        order: { workload: "round trips", size: 64, pings: pace.tailPings, pingMs: pace.tailMs },
      })),
    },
    {
      name: "fan-in",
      points: pace.fanIn.map((clients) => ({
        at: clients,
        rounds: few,
        // Each asks for its count at the end: with many, more must be sent for that to weigh as little.
        order: { workload: "fan-in", clients, size: 64, sendMs: clients >= 1_000 ? 6 * sendMs : sendMs },
      })),
    },
    {
      name: "fan-in, 8 processes",
      points: pace.fanInOfMany.map((clients) => ({
        at: clients,
        rounds: few,
        order: {
          ...{ workload: "fan-in", clients, size: 64, processes: 8 },
          sendMs: clients >= 1_000 ? 6 * sendMs : sendMs,
        },
      })),
    },
    {
      name: "crowd",
      points: pace.crowds.map((clients) => ({
        at: clients,
        rounds: 1,
        order: { workload: "crowd", clients, atOnce: 50 },
        ...(clients >= GREAT_CROWD && { only: FEW }),
      })),
    },
    {
      name: "stalled reader",
      points: [
        {
          at: pace.stalled,
          rounds: few,
          order: { workload: "stalled reader", clients: pace.stalled, size: 64, sendMs },
        },
      ],
    },
    {
      name: "loop delay",
      points: [
        { at: 64, rounds: few, order: { workload: "loop delay", size: 64, messages: 1_000_000, sendMs: 8 * sendMs } },
      ],
    },
    {
      name: "ping in bulk",
      points: [
        {
          at: KIB,
          rounds: few,
          order: {
            workload: "ping in bulk",
            size: KIB,
            bulkSize: MIB,
            pings: pace.largePings,
            pingMs: 4 * pingMs,
          },
        },
      ],
    },
    {
      name: "allocations",
      points: (["awaited", "when it must"] as const).map((manner, at) => ({
        at,
        rounds: 1,
        order: { workload: "count", size: 64, messages: pace.calls, manner, warmUpMs: pace.sendMs },
      })),
    },
    {
      name: "full queue",
      points: [{ at: KIB, rounds: 1, order: { workload: "full queue", size: KIB, mostBytes: 64 * MIB } }],
    },
  ];
}
