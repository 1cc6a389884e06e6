import type { Side } from "./hostile-peer.js";
import type { Packing } from "./message-flood.js";
import type { Wire } from "./wire.js";

export interface AttackerPlan {
  readonly side: Side;
  /** A socket's path. */
  readonly address: string;
}

/** What a peer announces: more than can be, more than a record may have, as much as it may, or limits that are far too long. */
export type Announcement = "4 GiB frame" | "16 MiB record" | "3 MiB frame" | "4 GiB limits";

export type AttackOrder =
  /** Connects and says nothing. */
  | { readonly kind: "silence"; readonly connections: number }
  /** Connects, and is gone. */
  | { readonly kind: "churn"; readonly perSecond: number; readonly seconds: number }
  /** Announces something, sends hardly any of it, and waits for the end; `holds`: goes on without it. */
  | {
      readonly kind: "announce";
      readonly wire: Wire;
      readonly peers: number;
      readonly what: Announcement;
      readonly holds: boolean;
    }
  /** Sends as fast as it is taken. Done when everything is sent, or `stop`. */
  | {
      readonly kind: "flood";
      readonly wire: Wire;
      readonly messages: number;
      readonly bytes: number;
      readonly packing: Packing;
      /** Does not wait until everything is sent. */
      readonly unawaited: boolean;
    }
  /** Drops every connection. */
  | { readonly kind: "stop" };

export interface AttackOutcome {
  /** Connections so far, and those of them that the victim has ended. */
  readonly connections: number;
  readonly ended: number;
}
