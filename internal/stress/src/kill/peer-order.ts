/** What a process plays: a server of one client, a server of many, or as many clients as it is told. */
export type Role = "server" | "manager" | "client";

/** What the runner asks of a peer's process. */
export type PeerOrder =
  | {
      readonly kind: "start";
      readonly role: Role;
      readonly directory: string;
      readonly encryption: boolean;
      /** Which process in this place it is, from 0 on: what two of them write can be told apart. */
      readonly life: number;
      readonly clients: number;
      /** Writes nothing on every second connection: a process killed then has read everything, so it does not reset. */
      readonly restsOnOdd: boolean;
      readonly rate: Rate;
    }
  /** Tell `heard` when each of the peers has heard so many messages on its latest connection, written by that life. */
  | { readonly kind: "hear"; readonly life: number; readonly messages: number }
  /** Tell `stalled` when nothing that is written is taken any more. For a process of one peer. */
  | { readonly kind: "stall" }
  /** Write no more, and tell `finished` when everything that either side has written on the latest connection has arrived. */
  | { readonly kind: "finish" }
  | { readonly kind: "close" };

/** What a process of peers can tell when it is over. */
export interface PeerReport {
  /** Messages that came whole, once and in order. */
  readonly heard: number;
  /** Connections after the first, of all its peers. */
  readonly reconnects: number;
  /** Codes by where they were seen: `lost`, `write`, `refused`. */
  readonly codes: Readonly<Record<string, number>>;
}

/** What a peer's process tells the runner. Times are those of `clock`. */
export type PeerNews =
  | { readonly kind: "ready" }
  /** It listens, or its clients are connected. `from`: when it was told to. */
  | { readonly kind: "started"; readonly from: number; readonly at: number }
  /** One of its clients has a connection. */
  | { readonly kind: "connected"; readonly at: number }
  | { readonly kind: "heard" }
  | { readonly kind: "stalled"; readonly accepted: number; readonly queuedBytes: number }
  | { readonly kind: "finished" }
  | { readonly kind: "over"; readonly report: PeerReport }
  /** Something came that must never come. */
  | { readonly kind: "broken"; readonly message: string };

/** The name that all servers here listen under. */
export const NAME = "kills";

/** What a peer queues, and what it leaves unread, at the most. Small, so that a side that stands still is noticed soon. */
export const BUDGET_BYTES = 262_144;

/** How much is written. */
export interface Rate {
  /** The length of the longest message. */
  readonly maxMessageBytes: number;
  /** Between two messages, in milliseconds. */
  readonly pauseMs: number;
}

/** As fast as it is taken, and most kills cut a message in two. */
export const FULL_RATE: Rate = { maxMessageBytes: 200_000, pauseMs: 0 };

/** Milliseconds on a monotonic clock that all processes of this machine share. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
