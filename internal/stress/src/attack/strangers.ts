import type { Pretence } from "./attacker.js";
import { type Finding, findingOf } from "./finding.js";
import type { Setup } from "./setup.js";

/** Connects are counted for so long, in seconds, without strangers and among them. */
const COUNT_SECONDS = 4.5;

/** Clients without a key, more than a server can serve, and how many clients with the key connect meanwhile. */
export async function strangers(setup: Setup, perSecond: number, pretence: Pretence): Promise<Finding> {
  const calm = await connectsWithin(setup, COUNT_SECONDS);
  const flood = setup.attacker.call("strangers", { perSecond, seconds: COUNT_SECONDS + 1, pretence });
  let connects = 0;
  const counted = connectsWithin(setup, COUNT_SECONDS).then((count) => {
    connects = count;
  });
  const service = await setup.good.converse(counted);
  const share = Math.round((await flood) * 100);
  const during = await setup.victim.call("report");
  await setup.attacker.call("stop");
  return findingOf(setup, {
    attack: `${perSecond} strangers a second send ${pretence}, at ${share} % of a core: ${connects} connects in ${COUNT_SECONDS} s, ${calm} without them`,
    during,
    service,
    recoveredMs: await setup.visit(),
    holds: { "clients with the key connect": connects > 0 },
    measured: { "a tenth as many clients connect as without strangers": connects >= calm / 10 },
  });
}

/** Connects, one after the other. */
async function connectsWithin(setup: Setup, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  for (let count = 0; ; count++) {
    await setup.visit();
    if (performance.now() > until) return count;
  }
}
