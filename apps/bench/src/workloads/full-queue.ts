import { setImmediate as nextTurn } from "node:timers/promises";
import { Caller, type Place } from "../caller.js";
import { KIND, type Kind } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload, type Payload } from "../payload.js";

/** So many messages are written in one go before the loop gets a turn, in which the kernel takes what it can. */
const BURST = 64;

type QueueOrder = Extract<Order, { workload: "full queue" }>;

/** Writes without ever waiting, to a server that does not read, until it is told that the queue is full, or enough is enough. */
export async function fullQueue(place: Place, { size, mostBytes }: QueueOrder): Promise<Outcome> {
  const caller = await Caller.connect(place);
  const { isText, abilities } = place.adapter;
  const write = (kind: Kind, payload: Payload): Promise<unknown> | undefined =>
    abilities.manners.includes("awaited") ? caller.link.sendAwaited(kind, payload) : caller.link.send(kind, payload);
  const payload = makePayload(KIND.count, size, isText);
  await caller.prove(200, size);
  await write(KIND.stall, makePayload(KIND.stall, 1, isText));
  global.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  let refused = 0;
  let code: string | undefined;
  let written = 0;
  const settled: (Promise<unknown> | undefined)[] = [];
  while (refused === 0 && written * size < mostBytes) {
    for (let i = 0; i < BURST; i++, written++) {
      const refuse = (error: { readonly code?: string }): void => {
        refused++;
        code ??= error.code;
      };
      settled.push(write(KIND.count, payload)?.catch(refuse));
    }
    await nextTurn();
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  place.server.send("resume");
  await Promise.all(settled);
  // Whatever was not refused arrives, and nothing of what was.
  await caller.report(written - refused, (written - refused) * size);
  await caller.link.close();
  const isTold = code === "IPC_QUEUE_FULL" ? 1 : 0;
  return { figures: { isTold, writtenBytes: (written - refused) * size, rssGrowthBytes: peak - before } };
}
