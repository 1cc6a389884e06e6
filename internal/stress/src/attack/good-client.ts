import { setTimeout as pause } from "node:timers/promises";
import { type Client, startClient } from "@ipc/client";
import { quantile } from "../report/figure.js";
import { type Wire, wireOptions } from "../traffic/wire.js";
import { BYSTANDER, TARGET } from "./target.js";

/** Between two echoes, in milliseconds. */
const PAUSE_MS = 5;

/** Long enough for any machine; a run without service ends after it. */
const PATIENCE_MS = 60_000;

/** How long echoes took, in milliseconds. */
export interface Service {
  readonly medianMs: number;
  readonly longestMs: number;
}

/** Connects to the bystander in the process of the victim. */
export function connectBystander(directory: string): Promise<Client> {
  return startClient({ name: BYSTANDER, directory, encryption: false, timeoutMs: PATIENCE_MS });
}

/** Lets every message come back, one at a time, as long as `until` takes, and `further` messages after it. */
export async function converse(client: Client, until: Promise<unknown>, further = 0): Promise<Service> {
  let isOver = false;
  const over = until.finally(() => {
    isOver = true;
  });
  const replies = client[Symbol.asyncIterator]();
  const tookMs: number[] = [];
  for (let left = further; left >= 0; left -= isOver ? 1 : 0) {
    const from = performance.now();
    await client.write(1, "are you there?");
    const { done } = await replies.next();
    if (done === true) throw new Error("the bystander went away");
    tookMs.push(performance.now() - from);
    await pause(PAUSE_MS);
  }
  await replies.return?.();
  await over;
  return { medianMs: quantile(tookMs, 0.5), longestMs: quantile(tookMs, 1) };
}

/** Connects to the one that is attacked, writes, and leaves. Returns how long it took to be let in, in milliseconds. */
export async function visitTarget(
  directory: string,
  wire: Wire,
  keyed: boolean,
  signal?: AbortSignal,
): Promise<number> {
  const from = performance.now();
  const options = { name: TARGET, directory, ...wireOptions(wire, keyed), timeoutMs: PATIENCE_MS };
  const client = await startClient({ ...options, ...(signal && { signal }) });
  const tookMs = performance.now() - from;
  await client.write(1, "hello");
  await client.close();
  return tookMs;
}
