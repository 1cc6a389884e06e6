import { Caller, type Place } from "../caller.js";
import { KIND } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload } from "../payload.js";
import { tellTimes } from "../quantile.js";
import { ping } from "./ping.js";
import { settle, WINDOW_MS } from "./settle.js";

type BulkOrder = Extract<Order, { workload: "ping in bulk" }>;

/** Small messages go to and fro on the connection on which large ones are sent as fast as they are taken. */
export async function pingInBulk(place: Place, { size, bulkSize, pings, pingMs }: BulkOrder): Promise<Outcome> {
  const caller = await Caller.connect(place);
  const bulk = makePayload(KIND.count, bulkSize, place.adapter.isText);
  const isAwaited = place.adapter.abilities.manners.includes("awaited");
  let sent = 0;
  let isOver = false;
  const sending = (async () => {
    for (; !isOver; sent++) {
      if (isAwaited) await caller.link.sendAwaited(KIND.count, bulk);
      else await caller.link.send(KIND.count, bulk);
    }
  })();
  const windowMs = Math.min(WINDOW_MS, pingMs);
  const isSettled = await settle(() => ping(caller, size, Number.POSITIVE_INFINITY, windowMs));
  const from = performance.now();
  const sentBefore = sent;
  const times = tellTimes(await ping(caller, size, pings, pingMs));
  const bulkPerSecond = ((sent - sentBefore) * 1_000) / (performance.now() - from);
  isOver = true;
  await sending;
  await caller.report(sent, sent * bulkSize);
  await caller.link.close();
  const figures = { ...times.figures, bulkPerSecond };
  return { ...times, figures, unsettled: isSettled ? [] : Object.keys(figures) };
}
