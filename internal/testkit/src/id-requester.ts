import type { PeerOptions, Session } from "@ipc/session";
import { clientIdRequest, tryDecodeClientId } from "@ipc/session/internal";
import type { Transport } from "@ipc/transport";
import { openFarClient } from "./far-client.js";
import { readData } from "./peer-watch.js";

/** A client that asked a manager for a client id, and the id that it was given. */
export interface IdRequester {
  /** Its connection to the manager, which it may end when it likes. */
  readonly session: Session;
  readonly id: number;
}

/** Asks a manager for a client id, as golang-ipc's clients do, and stays. Destroyed when the test is over. */
export async function askForId(place: string | Transport, name: string, options?: PeerOptions): Promise<IdRequester> {
  const session = await openFarClient(place, name, options, { kind: "manager" });
  await session.writeMessage(clientIdRequest);
  return { session, id: await readId(session) };
}

/** Reads a manager's answer. */
async function readId(session: Session): Promise<number> {
  const answer = await readData(session);
  const id = tryDecodeClientId(answer);
  if (id === undefined) throw new Error(`expected a client id, got type ${answer.type}, ${answer.data.length} bytes`);
  return id;
}

/** Comes by the id protocol to the end: asks, and connects to the slot. */
export async function openFarSlot(
  place: string | Transport,
  name: string,
  options?: PeerOptions,
): Promise<{ readonly session: Session; readonly id: number }> {
  const asker = await askForId(place, name, options);
  const session = await openFarClient(place, name, options, { kind: "slot", id: asker.id });
  await asker.session.close();
  return { session, id: asker.id };
}
