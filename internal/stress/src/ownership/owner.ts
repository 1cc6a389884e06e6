import { once } from "node:events";
import { linkSync } from "node:fs";
import { createServer } from "node:net";
import { type Child, PATIENCE_MS } from "../process/child.js";
import type { Place } from "../process/place.js";
import type { OwnerCalls } from "./owner-program.js";

/** The name of the servers whose socket files are fought over. */
const NAME = "owner";
export const SOCKET: string = `${NAME}.sock`;

/** A process that owns a socket file, or wants to. */
export type Owner = Child<OwnerCalls>;

/** @param uid another user's, if it is to be one */
export function startOwner(place: Place, ...uid: readonly number[]): Promise<Owner> {
  const args = [place.directory, NAME, ...uid.map(String)];
  return place.start<OwnerCalls>("ownership/owner-program", { args, patienceMs: PATIENCE_MS });
}

/** @throws Error when an owner's call had another outcome */
export function assertOutcome(outcome: string, expected: string): void {
  if (outcome !== expected) throw new Error(`expected ${expected}, got ${outcome}`);
}

/** Leaves at this path what a killed server leaves. */
export async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}~`);
  await once(server, "listening");
  linkSync(`${path}~`, path);
  const closed = once(server, "close");
  server.close();
  await closed;
}
