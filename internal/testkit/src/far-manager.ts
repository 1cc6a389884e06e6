import type { PeerOptions, Session } from "@ipc/session";
import { encodeClientId, isClientIdRequest } from "@ipc/session/internal";
import type { FarServer } from "./far-server.js";
import { readData } from "./peer-watch.js";

/** Plays a manager up to a request for a client id: resolves with the id requester's connection. */
export async function nextAsker(manager: FarServer, options?: PeerOptions): Promise<Session> {
  const asker = await manager.session(options);
  const message = await readData(asker);
  if (!isClientIdRequest(message)) throw new Error(`expected a request for a client id, got type ${message.type}`);
  return asker;
}

/** Plays a manager up to its answer. */
export async function giveId(manager: FarServer, id: number, options?: PeerOptions): Promise<Session> {
  const asker = await nextAsker(manager, options);
  await asker.writeMessage(encodeClientId(id));
  return asker;
}
