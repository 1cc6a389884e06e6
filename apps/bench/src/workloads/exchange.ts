import type { Manner } from "../adapter.js";
import { Caller, type Place } from "../caller.js";
import { KIND } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload } from "../payload.js";
import { cpuUs } from "../processor-time.js";
import { tellTimes } from "../quantile.js";
import { type Lasting, lasting } from "./lasting.js";
import { pingSteadily } from "./ping.js";

const LARGE_BYTES = 16_384;

export async function exchange(place: Place, order: Extract<Order, { workload: "exchange" }>): Promise<Outcome> {
  const { size, manners, sendMs } = order;
  const caller = await Caller.connect(place);
  await caller.prove(size > LARGE_BYTES ? 20 : 1_000, size);
  const figures: Record<string, number> = {};
  const unsettled: string[] = [];
  const add = (part: Readonly<Record<string, number>>, isSettled: boolean): void => {
    Object.assign(figures, part);
    if (!isSettled) unsettled.push(...Object.keys(part));
  };
  const { timesUs, isSettled } = await pingSteadily(caller, order);
  const times = tellTimes(timesUs);
  add(times.figures, isSettled);
  for (const manner of manners) {
    const { flow, isSettled } = await oneWay(caller, size, manner, sendMs);
    const { perSecond, senderNs, receiverNs } = flow;
    const part = { [manner]: perSecond, [`${manner}, sender ns`]: senderNs, [`${manner}, receiver ns`]: receiverNs };
    add(part, isSettled);
  }
  await caller.link.close();
  return { ...times, figures, unsettled };
}

/** The figures of messages in one direction. */
interface Flow {
  /** Until the server has told that all of them have arrived. */
  readonly perSecond: number;
  /** Processor time for each message in the client's process, and in the server's. */
  readonly senderNs: number;
  readonly receiverNs: number;
}

export async function oneWay(caller: Caller, size: number, manner: Manner, sendMs: number): Promise<Lasting<Flow>> {
  const payload = makePayload(KIND.count, size, caller.adapter.isText);
  let { cpuUs: theirs } = await caller.report(0, 0);
  const measure = async (count: number): Promise<Flow> => {
    const [from, own] = [performance.now(), cpuUs()];
    await caller.send(payload, count, manner);
    const tally = await caller.report(count, count * size);
    const seconds = (performance.now() - from) / 1_000;
    const receiverNs = ((tally.cpuUs - theirs) * 1_000) / count;
    theirs = tally.cpuUs;
    return { perSecond: count / seconds, senderNs: ((cpuUs() - own) * 1_000) / count, receiverNs };
  };
  return lasting(sendMs, measure);
}
