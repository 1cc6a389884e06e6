import { PLANS } from "./ipcx-plans.js";
import { bytes } from "./ipcx-primitives.js";
import { makeVector, type Role, type VectorSession } from "./ipcx-vectors.js";

/** What one side must refuse; all values but `ends` are text or hex. */
export interface Refusal {
  readonly about: string;
  /** The side that refuses. */
  readonly role: Role;
  /** The session whose keys and settings that side has. */
  readonly session: string;
  /** All that the other side sends, in hex. */
  readonly received: string;
  /** Whether the stream ends after that; otherwise it stays open, and the side must not wait. */
  readonly ends: boolean;
  /** The last item that the refusing side sends, in hex, where that is prescribed. */
  readonly answer?: string;
  /** The code here; an implementation elsewhere ends the connection. */
  readonly code: string;
}

const sessions = new Map(PLANS.map((plan) => [plan.name, makeVector(plan)]));

export function sessionOf(name: string): VectorSession {
  const session = sessions.get(name);
  if (session === undefined) throw new Error(`no session ${name}`);
  return session;
}

/** What a client sends before its select, in hex. */
export function beforeSelect(session: VectorSession): string {
  return session.reply + session["client key"];
}

/** What a server sends before its limits, in hex. */
export function beforeLimits(session: VectorSession): string {
  return session.hello + session["server key"];
}

/** What the peer of `role` sends before its first record, in hex. */
export function beforeRecords(session: VectorSession, role: Role): string {
  return role === "server" ? beforeSelect(session) + session.select : beforeLimits(session) + session.limits;
}

/** The same bytes with one bit changed. @param at counted from the end where negative */
export function flip(hex: string, at: number): string {
  const data = bytes(hex);
  const index = at < 0 ? data.length + at : at;
  data.writeUInt8(data.readUInt8(index) ^ 1, index);
  return data.toString("hex");
}
