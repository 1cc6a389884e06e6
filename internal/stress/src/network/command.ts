import type { PeerPlan, Wire } from "./fault-plan.js";
import type { Arrived } from "./order-check.js";

/** Where a side listens, or which server it dials. */
export type Place = { readonly directory: string } | { readonly port: number };

/** What the runner asks of a peer's process. */
export type Command =
  | {
      readonly kind: "start";
      readonly seed: number;
      readonly place: Place;
      readonly wire: Wire;
      readonly handshakeTimeoutMs: number;
      readonly plan: PeerPlan;
    }
  /** Whether everything has been sent and heard on the connection that stands, and this is it. */
  | { readonly kind: "confirm"; readonly connection: number }
  | { readonly kind: "close"; readonly timeoutMs: number }
  | { readonly kind: "destroy" }
  | { readonly kind: "waits" };

/** How many messages were written to one connection. */
export interface Sent {
  readonly connection: number;
  readonly messages: number;
}

/** What a peer tells when it is over. */
export interface PeerReport {
  readonly sent: readonly Sent[];
  readonly arrived: readonly Arrived[];
  /** Codes by where they were seen: `lost`, `refused`, `write`, `close`, `error`, `start`. */
  readonly codes: readonly string[];
}

/** What a peer's process tells the runner. */
export type Told =
  | { readonly kind: "ready" }
  | { readonly kind: "started"; readonly address: string }
  /** Everything has been sent and heard on this connection of the client's. */
  | { readonly kind: "complete"; readonly connection: number }
  | { readonly kind: "confirmed"; readonly holds: boolean }
  /** It is over: closed, destroyed or failed for good, and nothing is left of it. */
  | { readonly kind: "over"; readonly report: PeerReport }
  /** Something came that must never come. */
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "waits"; readonly names: readonly string[] };

/** The name that all servers here listen under. */
export const NAME = "faults";
