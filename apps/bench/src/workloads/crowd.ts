import { Caller, type Place, type Site } from "../caller.js";
import type { Order, Outcome } from "../order.js";

const WARM_UP_CLIENTS = 40;

/** Connects many clients, lets them stand idle, and tells what each costs the server's process. */
export async function crowd(place: Place, order: Extract<Order, { workload: "crowd" }>): Promise<Outcome> {
  const { clients, atOnce } = order;
  // The first connection takes the memory that is loaded, compiled and kept once.
  const [first, ...rest] = await connectAll(place, Math.min(WARM_UP_CLIENTS, clients), atOnce);
  await Promise.all(rest.map(({ link }) => link.close()));
  if (first === undefined) throw new Error("no client has connected");
  const before = await first.memory();
  const from = performance.now();
  const callers = await connectAll(place, clients, atOnce);
  const seconds = (performance.now() - from) / 1_000;
  // A client with an answer is connected on both sides.
  for (const caller of callers) await caller.report(0, 0);
  const after = await first.memory();
  return {
    figures: {
      connectsPerSecond: clients / seconds,
      heapBytes: (after.heapUsed - before.heapUsed) / clients,
      externalBytes: (after.external - before.external) / clients,
      rssBytes: (after.rss - before.rss) / clients,
    },
  };
}

/** Connects so many clients, never more than `atOnce` at a time. */
export async function connectAll(place: Site, clients: number, atOnce: number): Promise<Caller[]> {
  const callers: Caller[] = [];
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < clients) {
      started++;
      callers.push(await Caller.connect(place));
    }
  };
  await Promise.all(Array.from({ length: Math.min(clients, atOnce) }, lane));
  return callers;
}
