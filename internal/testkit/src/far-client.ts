import { openSession, type PeerOptions, type Session } from "@ipc/session";
import { type Endpoint, type Transport, unixSocket } from "@ipc/transport";
import { untilTestEnds } from "./until-test-ends.js";

/** Connects to a server once, as a client that never redials. Destroyed when the test is over. */
export async function openFarClient(
  place: string | Transport,
  name: string,
  options: PeerOptions = {},
  endpoint: Endpoint = { kind: "name" },
): Promise<Session> {
  const transport = typeof place === "string" ? unixSocket({ directory: place }) : place;
  const stream = await transport.dial(name, endpoint, {});
  return untilTestEnds(await openSession(stream, { role: "client", name, ...options }));
}
