import type { Peer } from "@ipc/session";
import { expect } from "vitest";
import { eventually } from "./eventually.js";
import { outcomeOf } from "./outcome.js";
import { readUntil } from "./peer-watch.js";
import { plainFrame, type RawPeer } from "./raw-peer.js";

/** More than the kernel buffers for a socket that is not read. */
export const TOO_MUCH: Uint8Array = new Uint8Array(3_000_000);

/** Reads up to and including `word`, a status; after that nothing is unread. */
export async function readTo<P extends Peer>(peer: P, word: string): Promise<P> {
  await readUntil(peer, word);
  return peer;
}

/** Waits until a message "b" from the far end has arrived, and does not read it. */
export async function unread<P extends Peer>(peer: P, far: RawPeer): Promise<P> {
  far.stream.write(plainFrame(1, "b"));
  await eventually(() => expect(peer.stats.messagesReceived).toBe(1));
  return peer;
}

/** Tells in words the status of a peer, its number, and what a write, a read and an iteration come to; `waits` for none. */
export async function answersOf(peer: Peer): Promise<string> {
  const words: (string | number)[] = [peer.status, peer.statusCode];
  for (const call of [() => peer.write(1, "a"), () => peer.read(), () => peer[Symbol.asyncIterator]().next()]) {
    words.push((await outcomeOf(call, peer)).now ?? "waits");
  }
  return words.join(", ");
}
