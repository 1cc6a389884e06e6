import { type fakePair, settle } from "./fake-peer.js";

/** Delivers what is under way, then awaits a call. */
export async function answer<T>(pair: ReturnType<typeof fakePair>, call: PromiseLike<T>): Promise<T> {
  await settle(pair);
  return call;
}
