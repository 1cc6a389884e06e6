import { Caller, type Place } from "../caller.js";
import type { Order, Outcome } from "../order.js";
import { tellTimes } from "../quantile.js";
import { pingSteadily } from "./ping.js";

const PROVED = 1_000;

/** Round trips alone, as many as it takes to tell of the slowest of a thousand. */
export async function roundTrips(place: Place, order: Extract<Order, { workload: "round trips" }>): Promise<Outcome> {
  const caller = await Caller.connect(place);
  await caller.prove(PROVED, order.size);
  const { timesUs, isSettled } = await pingSteadily(caller, order);
  await caller.link.close();
  const times = tellTimes(timesUs);
  return { ...times, unsettled: isSettled ? [] : Object.keys(times.figures) };
}
