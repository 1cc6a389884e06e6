import type { Manner } from "../adapter.js";
import { Caller, type Place } from "../caller.js";
import { KIND } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload } from "../payload.js";
import { tellTimes } from "../quantile.js";
import { ping } from "./ping.js";

const LARGE_BYTES = 16_384;

/** Long enough for the compilers to have seen the loop. */
const WARM_UP_MS = 100;

export async function exchange(place: Place, order: Extract<Order, { workload: "exchange" }>): Promise<Outcome> {
  const { size, pings, manners, sendMs } = order;
  const caller = await Caller.connect(place);
  await caller.prove(size > LARGE_BYTES ? 20 : 2_000, size);
  const times = tellTimes(await ping(caller, size, pings));
  const figures: Record<string, number> = { ...times.figures };
  for (const manner of manners) {
    const perSecond = await oneWay(caller, size, manner, sendMs);
    figures[manner] = perSecond;
  }
  await caller.link.close();
  return { ...times, figures };
}

/** Messages a second, until the server has told that all of them have arrived. */
export async function oneWay(caller: Caller, size: number, manner: Manner, sendMs: number): Promise<number> {
  const payload = makePayload(KIND.count, size, caller.adapter.isText);
  const measure = async (count: number): Promise<number> => {
    const from = performance.now();
    await caller.send(payload, count, manner);
    await caller.report(count, count * size);
    return (performance.now() - from) / count;
  };
  let count = 8;
  let msEach = await measure(count);
  while (count * msEach < WARM_UP_MS) {
    count *= 2;
    msEach = await measure(count);
  }
  return 1_000 / (await measure(Math.ceil(sendMs / msEach)));
}
