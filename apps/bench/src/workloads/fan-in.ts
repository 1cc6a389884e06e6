import type { Caller, Place } from "../caller.js";
import { KIND } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload } from "../payload.js";
import { clockUs } from "../processor-time.js";
import { connectAll } from "./crowd.js";
import { lasting } from "./lasting.js";

const CONNECT_AT_ONCE = 50;

/** Many clients of one process send to one server, each in a loop of its own, until the last has all of its own counted. */
export async function fanIn(place: Place, order: Extract<Order, { workload: "fan-in" }>): Promise<Outcome> {
  const { clients, size, sendMs } = order;
  const callers = await connectAll(place, clients, CONNECT_AT_ONCE);
  await Promise.all(callers.map((caller) => caller.prove(3, size)));
  const { flow, isSettled } = await lasting(sendMs, (messages) => race(callers, size, Math.ceil(messages / clients)));
  const { perSecond, fairness } = flow;
  return { figures: { perSecond, fairness }, unsettled: isSettled ? [] : Object.keys(flow), untilUs: clockUs() };
}

async function race(
  callers: readonly Caller[],
  size: number,
  each: number,
): Promise<{ perSecond: number; fairness: number }> {
  const [{ adapter }] = callers as [Caller];
  const payload = makePayload(KIND.count, size, adapter.isText);
  const manner = adapter.abilities.manners.includes("awaited") ? "awaited" : "when it must";
  const from = performance.now();
  const times = await Promise.all(
    callers.map(async (caller) => {
      await caller.send(payload, each, manner);
      await caller.report(each, each * size);
      return performance.now() - from;
    }),
  );
  const slowest = Math.max(...times);
  return { perSecond: (callers.length * each * 1_000) / slowest, fairness: Math.min(...times) / slowest };
}
