import type { Peer } from "@ipc/session";
import { expect } from "vitest";
import { eventually } from "./eventually.js";
import { readUntil } from "./peer-watch.js";
import { plainFrame, type RawPeer } from "./raw-peer.js";

// Ways into the states that all peers can be in; each returns the peer, for a table of states.

/** Closes one that is stalled, for as long as the test lasts. Its Closing has been read. */
export function closing<P extends Peer>(peer: P): Promise<P> {
  void peer.close({ timeoutMs: 1_000_000 });
  return readTo(peer, "Closing");
}

/** Its Closed has been read. */
export async function closed<P extends Peer>(peer: P): Promise<P> {
  return readTo(await closedUnread(peer), "Closed");
}

/** Leaves unread what is. */
export async function closedUnread<P extends Peer>(peer: P): Promise<P> {
  await peer.close();
  return peer;
}

/** Its Closed has been read. */
export function destroyed<P extends Peer>(peer: P): Promise<P> {
  return readTo(destroyedUnread(peer), "Closed");
}

/** Leaves unread what is. */
export function destroyedUnread<P extends Peer>(peer: P): P {
  peer.destroy();
  return peer;
}

/** Nothing is unread any more once `word` has been read, a status. */
export async function readTo<P extends Peer>(peer: P, word: string): Promise<P> {
  await readUntil(peer, word);
  return peer;
}

/** Waits until a message "b" of its far end's has arrived, and does not read it. */
export async function unread<P extends Peer>(peer: P, far: RawPeer): Promise<P> {
  far.stream.write(plainFrame(1, "b"));
  await eventually(() => expect(peer.stats.messagesReceived).toBe(1));
  return peer;
}
