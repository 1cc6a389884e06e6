/** Long enough for the compilers to have seen the loop. */
const WARM_UP_MS = 100;

const FIRST_COUNT = 64;

/**
 * Measures as many messages as take about `ms`, after a warm-up that is no longer. Where the machine held the warm-up up, so
 * that they turn out to be too few, it is done again with more.
 */
export async function lasting<Flow extends { readonly perSecond: number }>(
  ms: number,
  measure: (messages: number) => Promise<Flow>,
): Promise<Flow> {
  const took = (messages: number, { perSecond }: Flow): number => (messages * 1_000) / perSecond;
  let messages = FIRST_COUNT;
  let flow = await measure(messages);
  while (took(messages, flow) < Math.min(WARM_UP_MS, ms)) {
    messages *= 2;
    flow = await measure(messages);
  }
  do {
    messages = Math.ceil((flow.perSecond * ms) / 1_000);
    flow = await measure(messages);
  } while (took(messages, flow) < ms / 2);
  return flow;
}
