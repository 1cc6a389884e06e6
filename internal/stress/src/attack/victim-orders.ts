import type { Wire } from "./wire.js";

export type Role = "server" | "manager" | "client";

/** The target of the attack: a server or manager by its clients, a client by its server. */
export const TARGET = "target";

/** An echo server in the same process, for good clients. */
export const BYSTANDER = "bystander";

export interface VictimPlan {
  readonly role: Role;
  readonly directory: string;
  readonly wire: Wire;
  /** Whether a listener takes every message; otherwise no message is ever read. */
  readonly reads: boolean;
}

export type VictimOrder =
  /** Collects the garbage; the peak and the delays count anew. */
  | { readonly kind: "rest" }
  | { readonly kind: "report" }
  /** Opens files until there are no descriptors any more, and takes each that is given back. */
  | { readonly kind: "hoard" }
  /** Closes them. */
  | { readonly kind: "release" };

/** The victim's process at a moment. Sizes in bytes. */
export interface VictimReport {
  readonly rss: number;
  readonly heapUsed: number;
  /** The highest since the last rest. */
  readonly peakRss: number;
  /** Undefined where none is left to look with, or the system does not tell. */
  readonly descriptors: number | undefined;
  /** Files that it keeps open since it was told to hoard. */
  readonly hoarded: number;
  /** How late the event loop was, in milliseconds, since the last rest. */
  readonly delayMs: { readonly p99: number; readonly max: number };
  /** Of the connection that has most. */
  readonly unreadBytes: number;
  readonly messages: number;
  /** How often, by code: connections that never were, and connections that were lost. */
  readonly ends: Readonly<Record<string, number>>;
  readonly status: string;
}
