import { Caller, type Place } from "../caller.js";
import { KIND } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload } from "../payload.js";
import { clockUs } from "../processor-time.js";
import { ping } from "./ping.js";

type CountOrder = Extract<Order, { workload: "count" }>;

/**
 * Sends so many messages twice, or has them echoed one by one, and tells by how much the heap of both processes has grown: with a
 * young generation large enough for all of it, that is what they allocate.
 */
export async function count(place: Place, { size, messages, manner, warmUpMs }: CountOrder): Promise<Outcome> {
  const caller = await Caller.connect(place);
  const payload = makePayload(KIND.count, size, place.adapter.isText);
  const run = async (): Promise<void> => {
    if (manner === "echo") {
      await ping(caller, size, messages);
      return;
    }
    await caller.send(payload, messages, manner);
    await caller.report(messages, messages * size);
  };
  const from = performance.now();
  do await run();
  while (performance.now() - from < warmUpMs);
  const theirsBefore = await caller.memory();
  global.gc?.();
  const ownBefore = process.memoryUsage().heapUsed;
  await run();
  const [own, theirs] = [process.memoryUsage().heapUsed, await caller.ask<{ heapUsed: number }>(KIND.heap)];
  const untilUs = clockUs();
  await caller.link.close();
  return {
    untilUs,
    figures: {
      senderHeapBytes: (own - ownBefore) / messages,
      receiverHeapBytes: (theirs.heapUsed - theirsBefore.heapUsed) / messages,
    },
  };
}
