import { setImmediate as nextTurn, setTimeout } from "node:timers/promises";
import type { Caller, Place } from "../caller.js";
import { KIND } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload, type Payload } from "../payload.js";
import { median } from "../quantile.js";
import { connectAll } from "./crowd.js";
import { lasting } from "./lasting.js";

const TURN_MESSAGES = 64;
const FLOODS = 5;

/** A client that sends nothing for so long is stalled; one that still sends after `PATIENCE_MS` never stalls. */
const STILL_MS = 100;
const PATIENCE_MS = 2_000;

type StalledOrder = Extract<Order, { workload: "stalled reader" }>;

/** Measures the others beside one that sends for ever and never reads the answers, and the cost for the server. */
export async function stalledReader(place: Place, { clients, size, sendMs }: StalledOrder): Promise<Outcome> {
  const [control, odd, ...others] = await connectAll(place, clients + 1, clients);
  if (control === undefined || odd === undefined) throw new Error("no client has connected");
  const payload = makePayload(KIND.echo, size, place.adapter.isText);
  let each = 0;
  const { isSettled } = await lasting(sendMs, async (messages) => {
    each = Math.ceil(messages / others.length);
    return { perSecond: await flood(others, payload, each) };
  });
  const perSecondWithout = await floodAnew(others, payload, each);
  const before = await control.memory();
  odd.onMessage(() => {});
  odd.link.pause();
  await sendUntilStalled(odd, payload);
  const perSecondBeside = await floodAnew(others, payload, each);
  const after = await control.memory();
  const ratio = perSecondBeside / perSecondWithout;
  const rates = { perSecondWithout, perSecondBeside, ratio };
  const unsettled = isSettled ? [] : Object.keys(rates);
  return { figures: { ...rates, rssGrowthBytes: after.rss - before.rss }, unsettled };
}

/** The median of several floods, each after a rest: one alone may fall together with whatever else the machine does. */
async function floodAnew(callers: readonly Caller[], payload: Payload, each: number): Promise<number> {
  const rates: number[] = [];
  for (let i = 0; i < FLOODS; i++) {
    await setTimeout(STILL_MS);
    rates.push(await flood(callers, payload, each));
  }
  return median(rates);
}

/** Every one sends its messages and counts them as they come back. Messages a second of all together. */
async function flood(callers: readonly Caller[], payload: Payload, each: number): Promise<number> {
  const from = performance.now();
  await Promise.all(
    callers.map(
      (caller) =>
        new Promise<void>((resolve, reject) => {
          let back = 0;
          caller.onMessage(() => {
            if (++back === each) resolve();
          });
          sendEchoes(caller, payload, each).catch(reject);
        }),
    ),
  );
  return (callers.length * each * 1_000) / (performance.now() - from);
}

async function sendEchoes(caller: Caller, payload: Payload, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const wait = caller.link.send(KIND.echo, payload);
    if (wait !== undefined) await wait;
  }
}

/** Sends for ever. Resolves when it has not got on for a while. */
async function sendUntilStalled(caller: Caller, payload: Payload): Promise<void> {
  let sent = 0;
  const send = async (): Promise<void> => {
    for (;;) {
      const wait = caller.link.send(KIND.echo, payload);
      sent++;
      if (wait !== undefined) await wait;
      // Lets the event loop run the other clients, too.
      else if (sent % TURN_MESSAGES === 0) await nextTurn();
    }
  };
  // It ends with the connection.
  send().catch(() => {});
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let before = -1; before !== sent && performance.now() < giveUpAt; ) {
    before = sent;
    await setTimeout(STILL_MS);
  }
}
