import type { ConnectionSecurity, DataMessage, PeerStats, Status } from "@ipc/session";
import { formatValue } from "../format-value.js";

/** The part of a peer that calls use: a client, a server, a connection of a manager, or a session. */
export interface CallPeer {
  on(event: "message", listener: (message: DataMessage) => void | Promise<void>): unknown;
  on(event: "status", listener: (status: Status) => void): unknown;
  on(event: "lost", listener: (error: unknown) => void): unknown;
  on(event: "draining" | "close", listener: () => void): unknown;
  off(event: "message", listener: (message: DataMessage) => void | Promise<void>): unknown;
  off(event: "status", listener: (status: Status) => void): unknown;
  off(event: "lost", listener: (error: unknown) => void): unknown;
  off(event: "draining" | "close", listener: () => void): unknown;
  /** Copies data of up to 256 bytes before it returns. */
  write(type: number, data: Uint8Array): Promise<void>;
  destroy(reason?: unknown): void;
  /** Of the server, in the events of the tracing channels. */
  readonly name: string;
  readonly status: Status;
  readonly security: ConnectionSecurity;
  readonly remote: string;
  readonly stats: Pick<PeerStats, "reconnects" | "resumes">;
}

/** The key of the method by which a layer joins a peer's drain. @see packages/session/src/lifecycle/drain.ts */
const JOIN_DRAIN: unique symbol = Symbol.for("@ipc/session joinDrain");

/** The layer, as a draining peer sees it. */
export interface DrainMember {
  /** Whether work is under way that a drain waits for. */
  readonly isBusy: () => boolean;
  /** Called when a drain has begun. */
  readonly onDrain: () => void;
}

interface DrainingPeer {
  readonly [JOIN_DRAIN]?: (member: DrainMember) => void;
}

/** Makes a peer's drain wait for a layer's work; nothing if the peer has no drain. */
export function joinDrain(peer: object, member: DrainMember): void {
  (peer as DrainingPeer)[JOIN_DRAIN]?.(member);
}

/** The key of the method by which a layer ends a peer's connection. @see packages/session/src/lifecycle/peer-session.ts */
const END_CONNECTION: unique symbol = Symbol.for("@ipc/session endConnection");

interface EndablePeer {
  readonly [END_CONNECTION]?: (why: string, cause: unknown) => void;
}

/** Ends a peer's connection as if it were lost; a peer that cannot end it alone ends with it. */
export function endConnection(peer: Pick<CallPeer, "destroy"> & EndablePeer, why: string, cause: unknown): void {
  if (peer[END_CONNECTION] === undefined) peer.destroy(cause);
  else peer[END_CONNECTION](why, cause);
}

/** A manager: each of its connections is a peer. */
export interface CallManager {
  on(event: "connection", listener: (connection: CallPeer) => void): unknown;
  readonly connections: ReadonlyMap<number, CallPeer>;
}

/** The side of a connection: the client dialled. */
export type Side = "client" | "server";

const PEER_METHODS = ["on", "off", "write", "destroy"];

/** @throws TypeError */
export function assertPeer(where: string, peer: unknown): asserts peer is CallPeer | CallManager {
  const isObject = typeof peer === "object" && peer !== null;
  if (isObject && (isManager(peer as CallPeer) || PEER_METHODS.every((name) => isMethodOf(peer, name)))) return;
  throw new TypeError(
    `${where}: \`peer\` takes a client, server, manager, connection or session, got ${formatValue(peer)}`,
  );
}

export function isManager(peer: CallPeer | CallManager): peer is CallManager {
  return "connections" in peer && "broadcast" in peer;
}

/**
 * Finds out which side of its connections a peer is, from what only one kind of peer has. A session does not tell its role.
 * @param given the option `side`
 * @throws TypeError if neither says it
 */
export function sideOf(where: string, peer: CallPeer, given: Side | undefined): Side {
  const known = knownSide(peer);
  if (known !== undefined && given !== undefined && given !== known) {
    throw new TypeError(`${where}: \`side\` is "${given}", but this peer is the ${known} of its connection`);
  }
  const side = known ?? given;
  if (side === undefined) {
    throw new TypeError(`${where}: pass \`side\`, the \`role\` of openSession, because a session does not tell it`);
  }
  return side;
}

/** The id of a manager's connection; undefined for other peers. */
export function idOf(peer: CallPeer): number | undefined {
  return "id" in peer && typeof peer.id === "number" ? peer.id : undefined;
}

/** Whether a peer has one connection, and ends with it. */
export function hasOneConnection(peer: CallPeer): boolean {
  return !("clientId" in peer || "address" in peer);
}

function knownSide(peer: CallPeer): Side | undefined {
  if ("clientId" in peer) return "client";
  return "address" in peer || idOf(peer) !== undefined ? "server" : undefined;
}

function isMethodOf(peer: object, name: string): boolean {
  return typeof (peer as Record<string, unknown>)[name] === "function";
}
