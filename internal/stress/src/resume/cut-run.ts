import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { FaultProxy } from "../network/fault-proxy.js";
import { type Child, type ChildOptions, PATIENCE_MS } from "../process/child.js";
import { Place } from "../process/place.js";
import { SeededRandom } from "../random.js";
import type { CounterCalls, CounterNews, CounterReport } from "./counter.js";

export type CounterProcess = Child<CounterCalls, CounterNews>;

export const NAME = "counters";
/** The folder of the server's socket; the proxy's, which the client dials, is beside it. */
const SERVER_FOLDER = "s";
/** How long a connection lasts after its handshake, at the most, in milliseconds. */
const MAX_LIFE_MS = 50;
/** Nothing ends by the clock, on any machine. */
const LIMITS = { ttlMs: 600_000, bufferBytes: 4_194_304, handshakeTimeoutMs: 60_000 } as const;
/** The client dials again at once, so that most of the time there is a connection to cut. */
const RETRY_MS = 1;

export interface CutRun {
  /** The messages in each direction. */
  readonly messages: number;
  readonly bytes: number;
  readonly seed: number;
  /** Called after each cut. */
  readonly onCut?: (cuts: number) => void;
}

export interface CutResult {
  readonly cuts: number;
  readonly seconds: number;
  readonly client: CounterReport;
  readonly server: CounterReport;
}

/** @param options without `patienceMs` no call has a limit */
export function startCounter(
  place: Place,
  options: Pick<ChildOptions, "patienceMs"> = { patienceMs: PATIENCE_MS },
): Promise<CounterProcess> {
  return place.start<CounterCalls, CounterNews>("resume/counter", options);
}

/**
 * Lets two processes send each other messages through a proxy that cuts the connection 0 … 50 ms after each handshake.
 * @throws Error when a message came twice, out of order or not at all, or a session was lost
 */
export function countThroughCuts(run: CutRun): Promise<CutResult> {
  return Place.lend((place) => playCuts(run, place));
}

async function playCuts({ messages, bytes, seed, onCut }: CutRun, place: Place): Promise<CutResult> {
  const random = new SeededRandom(seed);
  const folder = join(place.directory, SERVER_FOLDER);
  await mkdir(folder, { mode: 0o700 });
  const socket = `${NAME}.sock`;
  const start = { name: NAME, ...LIMITS, life: 0 };
  const [server, client] = await Promise.all([startCounter(place, {}), startCounter(place, {})]);
  await server.call("start", { ...start, side: "server", directory: folder });
  const proxy = await FaultProxy.listen([], { path: join(place.directory, socket) }, { path: join(folder, socket) });
  try {
    await client.call("start", { ...start, side: "client", directory: place.directory, retryMs: RETRY_MS });
    const from = performance.now();
    let isOver = false;
    let cuts = 0;
    const counted = Promise.all([client, server].map((side) => side.call("count", { messages, bytes })));
    const over = counted.then(() => {
      isOver = true;
    });
    while (!isOver) {
      await pause(random.integer(0, MAX_LIFE_MS));
      if (isOver) break;
      proxy.cut();
      cuts++;
      onCut?.(cuts);
      await Promise.race([client.next("connected"), over]);
    }
    await counted;
    const seconds = (performance.now() - from) / 1_000;
    const reports = { client: await client.call("report"), server: await server.call("report") };
    for (const [side, { taken, losses }] of Object.entries(reports)) {
      if (losses.length > 0) throw new Error(`the ${side} lost its session`);
      if (taken !== messages) throw new Error(`the ${side} took ${taken} of ${messages} messages`);
    }
    await client.call("close");
    await server.call("close");
    await Promise.all([client.end(), server.end()]);
    return { cuts, seconds, ...reports };
  } finally {
    await proxy.close();
    await rmdir(folder).catch(() => {});
  }
}
