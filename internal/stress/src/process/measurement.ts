import { Child } from "./child.js";
import type { MeasureCalls } from "./measure.js";

/** Calls the exported function `measure` of a module of this package in a process of its own, which must end by itself afterwards. */
export async function measureApart<Order, Result>(
  module: string,
  order: Order,
  flags: readonly string[],
): Promise<Result> {
  const child = await Child.start<MeasureCalls>("process/measure", { flags, args: [module] });
  try {
    const result = await child.call("measure", order);
    await child.end();
    return result as Result;
  } finally {
    await child.kill();
  }
}
