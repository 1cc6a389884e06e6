import { join } from "node:path";
import { AS_USERS_RUN, type Start } from "../fixed-memory.js";
import { type CallOrder, decodeOutcome, type Outcome } from "../order.js";
import { runProcess } from "../run-process.js";

/** A contestant whose calls are blocked is given up for each measurement. */
const LIMIT_MS = 180_000;

/** Measures the calls of a contestant once, in processes of its own. @param programs the built programs of the benchmark */
export async function measureRound(
  programs: string,
  name: string,
  order: CallOrder,
  { flags, env }: Start = AS_USERS_RUN,
): Promise<Outcome> {
  const args = [...flags, join(programs, "calls/client-process.js"), name, JSON.stringify(order)];
  return decodeOutcome(await runProcess(process.execPath, args, LIMIT_MS, env));
}
