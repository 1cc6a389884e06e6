import { type Calls, serveCalls } from "./calls.js";
import { Child } from "./child.js";
import { Place } from "./place.js";

interface MeasurementCalls extends Calls {
  measure(order: never): unknown;
}

/** Measures in a process of its own, which runs a program that calls `serveMeasurement` and must end by itself afterwards. */
export async function measureApart<Order, Result>(
  program: string,
  order: Order,
  flags: readonly string[],
): Promise<Result> {
  const child = await Child.start<MeasurementCalls>(program, { flags });
  try {
    const result = await child.call("measure", order as never);
    await child.end();
    return result as Result;
  } finally {
    await child.kill();
  }
}

/** Lets the parent process call this measurement, which gets a place of its own. */
export function serveMeasurement<Order>(measure: (order: Order, place: Place) => Promise<unknown>): void {
  serveCalls({ measure: (order: Order) => Place.lend((place) => measure(order, place)) });
}
