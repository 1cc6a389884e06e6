import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Caller, Place, Site } from "../caller.js";
import { KIND } from "../message-kind.js";
import type { Order, Outcome } from "../order.js";
import { makePayload } from "../payload.js";
import { clockUs } from "../processor-time.js";
import { connectAll } from "./crowd.js";
import { lasting } from "./lasting.js";
import { Racer, type RaceTimes } from "./racer.js";

const CONNECT_AT_ONCE = 50;

const PROCESS = fileURLToPath(new URL("../fan-in-process.js", import.meta.url));

/** Many clients of one or several processes send to one server, each in a loop of its own, until the last has all of its own counted. */
export async function fanIn(place: Place, order: Extract<Order, { workload: "fan-in" }>): Promise<Outcome> {
  const { clients, size, sendMs, processes = 1 } = order;
  const run = processes === 1 ? await inThisProcess(place, clients, size) : await inProcesses(place, order, processes);
  const { flow, isSettled } = await lasting(sendMs, async (messages) => {
    const each = Math.ceil(messages / clients);
    const from = performance.now();
    const times = await run(each);
    const perSecond = (clients * each * 1_000) / (performance.now() - from);
    const fairness =
      Math.min(...times.map(({ fastestMs }) => fastestMs)) / Math.max(...times.map(({ slowestMs }) => slowestMs));
    return { perSecond, fairness };
  });
  return { figures: { ...flow }, unsettled: isSettled ? [] : Object.keys(flow), untilUs: clockUs() };
}

/** Has every client send so many messages. Resolves with the times of each process. */
type Run = (each: number) => Promise<readonly RaceTimes[]>;

async function inThisProcess(place: Site, clients: number, size: number): Promise<Run> {
  const callers = await connectProved(place, clients, size);
  return async (each) => [await race(callers, size, each)];
}

async function inProcesses(
  { name, directory }: Place,
  { clients, size }: Extract<Order, { workload: "fan-in" }>,
  processes: number,
): Promise<Run> {
  const shares = Array.from({ length: processes }, (_, at) => Math.floor((clients + at) / processes));
  const racers = shares
    .filter((share) => share > 0)
    .map(
      (share) =>
        new Racer(fork(PROCESS, [name, directory, String(share), String(size)], { serialization: "advanced" })),
    );
  await Promise.all(racers.map((racer) => racer.connected()));
  return (each) => Promise.all(racers.map((racer) => racer.race(each)));
}

/** Connects so many clients and has every byte of a few messages of each checked. */
export async function connectProved(place: Site, clients: number, size: number): Promise<Caller[]> {
  const callers = await connectAll(place, clients, CONNECT_AT_ONCE);
  await Promise.all(callers.map((caller) => caller.prove(3, size)));
  return callers;
}

export async function race(callers: readonly Caller[], size: number, each: number): Promise<RaceTimes> {
  const [{ adapter }] = callers as [Caller];
  const payload = makePayload(KIND.count, size, adapter.isText);
  const manner = adapter.abilities.manners.includes("awaited") ? "awaited" : "when it must";
  const from = performance.now();
  const times = await Promise.all(
    callers.map(async (caller) => {
      await caller.send(payload, each, manner);
      await caller.report(each, each * size);
      return performance.now() - from;
    }),
  );
  return { fastestMs: Math.min(...times), slowestMs: Math.max(...times) };
}
