import type { Side } from "../traffic/message.js";
import type { READING_STYLES } from "../traffic/traffic.js";
import type { Wire } from "../traffic/wire.js";

/** The direction of bytes. */
export type Direction = "toServer" | "toClient";

/** How bytes are passed on, all of them and unchanged. */
export type Shape =
  | { readonly kind: "as they come" }
  /** Each chunk so much later. */
  | { readonly kind: "delay"; readonly ms: number }
  /** In pieces of so many bytes, from the first byte on for as long as `until`. */
  | { readonly kind: "split"; readonly bytes: number; readonly until: number }
  /** Gathered until so many are there, or until they have waited so long. */
  | { readonly kind: "coalesce"; readonly bytes: number; readonly ms: number }
  /** A piece of so many bytes each millisecond. */
  | { readonly kind: "throttle"; readonly bytes: number }
  /** Not at all for a while, from one byte on. */
  | { readonly kind: "pause"; readonly at: number; readonly ms: number };

export const FAULTS = ["cut", "end", "reset", "dead", "vanish", "freeze", "flip"] as const;

/**
 * cut: both sides' connections end. end: that direction ends, the other goes on. reset: both are reset, with bytes unread.
 * dead: that direction's bytes are lost from here on. vanish: one side's connection is cut, the other's stays and is silent.
 * freeze: nothing goes on in either direction. flip: one byte is altered.
 */
export type FaultKind = (typeof FAULTS)[number];

/** A fault of a connection, injected when so many bytes have passed in one direction. */
export interface Fault {
  readonly kind: FaultKind;
  readonly direction: Direction;
  readonly at: number;
  /** flip: the bits to turn. */
  readonly mask: number;
  /** vanish: whose connection is cut. */
  readonly side: Side;
  /** How long it lasts before the connection is cut for good; undefined: to the end of the run. */
  readonly lingerMs: number | undefined;
}

export interface ConnectionPlan {
  readonly shapes: Readonly<Record<Direction, Shape>>;
  readonly fault?: Fault;
}

/**
 * finish: when a connection without a fault has carried everything, both close. close, destroy: sides end under a fault
 * that lasts.
 */
export type Finale =
  | { readonly kind: "finish"; readonly first: Side | "both" }
  | { readonly kind: "close" | "destroy"; readonly first: Side | "both"; readonly timeoutMs: number };

/** The plan of one side. */
export interface PeerPlan {
  /** The bytes of each message that it sends on each connection. */
  readonly sizes: readonly number[];
  /** Writes under way at once. */
  readonly window: number;
  readonly reading: (typeof READING_STYLES)[number];
  /** Turns of the event loop between two reads, or in which a listener is paused. */
  readonly readPause: number;
  readonly maxQueuedBytes: number;
  readonly maxUnreadBytes: number;
}

/** All that happens under one seed. */
export interface FaultPlan {
  readonly seed: number;
  readonly transport: "unix" | "tcp";
  readonly wire: Wire;
  /** One for each connection that the client makes; those that follow have no fault. */
  readonly connections: readonly ConnectionPlan[];
  readonly finale: Finale;
  /** So long that only a fault that is meant to meets it. */
  readonly handshakeTimeoutMs: number;
  readonly peers: Readonly<Record<Side, PeerPlan>>;
}

/** Transport and wire go round with the seeds, so that a lane of processes serves each pair. */
export const LANES: readonly Pick<FaultPlan, "transport" | "wire">[] = [
  { transport: "unix", wire: "secure" },
  { transport: "tcp", wire: "secure" },
  { transport: "unix", wire: "compatible" },
  { transport: "tcp", wire: "compatible" },
  { transport: "unix", wire: "plain" },
  { transport: "tcp", wire: "plain" },
];
