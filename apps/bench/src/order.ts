import type { Manner } from "./adapter.js";

/** An order to measure something. */
export type Order = MessageOrder | CallOrder;

/** Calls of @ipc/rpc, each kind for so many seconds. */
export interface CallOrder {
  readonly workload: "calls";
  readonly seconds: number;
  /** Whether only the calls are made that a profile is recorded of: 64 B JSON, 64 in flight. @default false */
  readonly isProfiled?: boolean;
}

/** An order to a client's process. */
export type MessageOrder =
  /** Round trips with one message in flight, then one way, in each manner. */
  | {
      readonly workload: "exchange";
      readonly size: number;
      /** So many, or as many as come about in so long. */
      readonly pings: number;
      readonly pingMs: number;
      readonly manners: readonly Manner[];
      readonly sendMs: number;
    }
  /** Round trips alone, with one message in flight. */
  | { readonly workload: "round trips"; readonly size: number; readonly pings: number; readonly pingMs: number }
  /** Many clients send to one server. */
  | {
      readonly workload: "fan-in";
      readonly clients: number;
      readonly size: number;
      readonly sendMs: number;
      /** Over which the clients are spread evenly. @default 1, which is the one that gets the order */
      readonly processes?: number;
    }
  /** Many clients connect and stand idle. */
  | { readonly workload: "crowd"; readonly clients: number; readonly atOnce: number }
  /** Many clients get their messages back, and one of them does not read. */
  | { readonly workload: "stalled reader"; readonly clients: number; readonly size: number; readonly sendMs: number }
  /** For how long a loop of writes, and their arrival, hold up the event loop. */
  | { readonly workload: "loop delay"; readonly size: number; readonly messages: number; readonly sendMs: number }
  /** Round trips of a small message while large ones are on their way. */
  | {
      readonly workload: "ping in bulk";
      readonly size: number;
      readonly bulkSize: number;
      readonly pings: number;
      readonly pingMs: number;
    }
  /** A writer that never waits, to a reader that does not read. */
  | { readonly workload: "full queue"; readonly size: number; readonly mostBytes: number }
  /** A fixed number of messages, for a measurement of their cost from outside the process. */
  | {
      readonly workload: "count";
      readonly size: number;
      readonly messages: number;
      readonly manner: Manner | "echo";
      readonly warmUpMs: number;
    };

export type Workload = Order["workload"];

/** The result: figures by name, and for measured round trips their distribution. */
export interface Outcome {
  readonly figures: Readonly<Record<string, number>>;
  /** The names of the figures whose warm-up did not settle. */
  readonly unsettled?: readonly string[];
  readonly quantilesUs?: readonly number[];
  /** When the work was done that a profile tells of, by the machine's clock, in microseconds. */
  readonly untilUs?: number;
}

/** Writes an outcome in a line, for the process that gave the order. What never came to an end took an infinite time. */
export function encodeOutcome(outcome: Outcome): string {
  return `${JSON.stringify(outcome, (_key, value: unknown) => (value === Number.POSITIVE_INFINITY ? INFINITE : value))}\n`;
}

export function decodeOutcome(line: string): Outcome {
  return JSON.parse(line, (_key, value: unknown) => (value === INFINITE ? Number.POSITIVE_INFINITY : value)) as Outcome;
}

/** JSON has no infinite numbers. */
const INFINITE = "infinite";

/** The shares of all round trips that `quantilesUs` is about, the fastest first; the last ones are left out of few round trips. */
export const QUANTILES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999] as const;
