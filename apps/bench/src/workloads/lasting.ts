import { settle, WINDOW_MS } from "./settle.js";

const FIRST_COUNT = 64;

/** A long measurement has longer windows, because it is long where a flow has a cost of its own, as of many clients. */
const WINDOW_SHARE = 0.2;

/** A window is this many flows, so that a pause in one of them does not decide over its median. */
const FLOWS_IN_WINDOW = 5;

/** A measurement may take this share of its time, because its rate is not that of the shorter flows before it. */
const ENOUGH = 0.75;

/** The measured flow, and whether the warm-up before it has settled. */
export interface Lasting<Flow> {
  readonly flow: Flow;
  readonly isSettled: boolean;
}

/**
 * Measures as many messages as take about `ms`, after a warm-up that lasts until the rate has settled. Where a pause of the
 * machine made a flow look slow, so that these are too few, it measures again with more.
 */
export async function lasting<Flow extends { readonly perSecond: number }>(
  ms: number,
  measure: (messages: number) => Promise<Flow>,
): Promise<Lasting<Flow>> {
  const took = (messages: number, { perSecond }: Flow): number => (messages * 1_000) / perSecond;
  const windowMs = Math.min(ms, Math.max(WINDOW_MS, ms * WINDOW_SHARE));
  let messages = FIRST_COUNT;
  let flow = await measure(messages);
  while (took(messages, flow) < windowMs) {
    messages *= 2;
    flow = await measure(messages);
  }
  const isSettled = await settle(async () => {
    const rates: number[] = [];
    for (let i = 0; i < FLOWS_IN_WINDOW; i++) {
      flow = await measure(Math.ceil((flow.perSecond * windowMs) / 1_000 / FLOWS_IN_WINDOW));
      rates.push(flow.perSecond);
    }
    return rates;
  });
  do {
    messages = Math.ceil((flow.perSecond * ms) / 1_000);
    flow = await measure(messages);
  } while (took(messages, flow) < ms * ENOUGH);
  return { flow, isSettled };
}
