import { openSession, type PeerOptions, type Session } from "@ipc/session";
import { unixSocket } from "@ipc/transport";
import { untilTestEnds } from "./until-test-ends.js";

/** Connects to a server once, as a client that never redials. Destroyed when the test is over. */
export async function openFarClient(directory: string, name: string, options: PeerOptions = {}): Promise<Session> {
  const stream = await unixSocket({ directory }).dial(name, { kind: "name" }, {});
  return untilTestEnds(await openSession(stream, { role: "client", name, ...options }));
}
