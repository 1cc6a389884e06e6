import { expect } from "vitest";
import { rpc } from "../src/layer/rpc.js";
import { type fakePair, settle } from "./fake-peer.js";

/** Runs `work` while everything that is sent arrives. */
export async function during<T>(pair: ReturnType<typeof fakePair>, work: Promise<T>): Promise<T> {
  let isDone = false;
  const noted = work.finally(() => {
    isDone = true;
  });
  noted.catch(() => {});
  while (!isDone) {
    await settle(pair);
    // So that the time limit of a test ends it.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return noted;
}

export async function collect(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function expectNothingLeft(pair: ReturnType<typeof fakePair>): Promise<void> {
  await settle(pair);
  for (const peer of [pair.client, pair.server]) {
    expect(rpc(peer).stats).toMatchObject({ calls: 0, handling: 0, unreadBytes: 0 });
  }
}
