import { Caller, type Place } from "../caller.js";
import { LoopWatch } from "../loop-watch.js";
import { KIND } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload } from "../payload.js";
import { oneWay } from "./exchange.js";

const RATE_MS = 100;

type DelayOrder = Extract<Order, { workload: "loop delay" }>;

/** Writes a million messages in a loop, or as many as `sendMs` allow, and watches both event loops meanwhile. */
export async function loopDelay(place: Place, { size, messages, sendMs }: DelayOrder): Promise<Outcome> {
  const caller = await Caller.connect(place);
  const manner = place.adapter.abilities.manners.includes("awaited") ? "awaited" : "when it must";
  const { flow, isSettled } = await oneWay(caller, size, manner, Math.min(RATE_MS, sendMs));
  const count = Math.ceil(Math.min(messages, (flow.perSecond * sendMs) / 1_000));
  const payload = makePayload(KIND.count, size, place.adapter.isText);
  const watch = new LoopWatch();
  await caller.ask(KIND.watch);
  watch.start();
  await caller.send(payload, count, manner);
  const writer = watch.stop();
  const { loop: reader } = await caller.report(count, count * size);
  await caller.link.close();
  const delays = {
    writerMs: writer.delayMs,
    writerP99Ms: writer.delayP99Ms,
    writerBusyMs: writer.busyMs,
    readerMs: reader.delayMs,
    readerP99Ms: reader.delayP99Ms,
    readerBusyMs: reader.busyMs,
  };
  return { figures: { messages: count, ...delays }, unsettled: isSettled ? [] : Object.keys(delays) };
}
