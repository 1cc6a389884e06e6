import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FaultProxy } from "../network/fault-proxy.js";
import { Place } from "../process/place.js";
import { SeededRandom } from "../random.js";
import { sum } from "../report/figure.js";
import type { Side } from "../traffic/message.js";
import type { CounterReport } from "./counter.js";
import { type CounterProcess, NAME, startCounter } from "./cut-run.js";
import { findWrongLoss, readLog } from "./loss-check.js";

/** Messages that a side takes before the next kill or stop, at the most. */
const MAX_MESSAGES = 100;
const BYTES = 64;
/** Small, so that the messages that fill it when a process is gone do not take most of the time. */
const bufferBytes = 65_536;
/** Nothing ends by the clock while a process is replaced, on any machine; and only a session of one side while the other is stopped. */
const handshakeTimeoutMs = 60_000;
const LIMITS = { ttlMs: 600_000, bufferBytes, handshakeTimeoutMs } as const;
const SHORT_TTL_MS = 200;
const SERVER_FOLDER = "s";

/** Called after each kill or stop. */
export type OnLoss = (times: number) => void;

export interface LossResult {
  readonly losses: number;
  /** Messages that were called undelivered, and uncertain, in all. */
  readonly undelivered: number;
  readonly unconfirmed: number;
  readonly taken: number;
}

interface Told {
  readonly side: string;
  readonly report: CounterReport;
  /** The log of the process that took what was written in each session, in order. */
  readonly logs: readonly string[];
  /** Whether the other side has proved what it had received of every session. */
  readonly isProved: boolean;
}

/**
 * Kills one side in the middle of the traffic, again and again, and starts another in its place. Holds what the side that stays is
 * told against what the killed processes had taken.
 * @throws Error when it is told something else
 */
export function killCounters(victimSide: Side, kills: number, onLoss?: OnLoss): Promise<LossResult> {
  return Place.lend(async (place) => {
    const random = new SeededRandom(kills);
    const { directory } = place;
    const survivorSide = victimSide === "client" ? "server" : "client";
    const logOf = (life: number): string => join(directory, `${victimSide}-${life}.log`);
    const start = { name: NAME, directory, ...LIMITS };
    const begin = async (counter: CounterProcess, side: Side, life: number): Promise<void> => {
      await counter.call("start", { ...start, side, life, ...(side === victimSide && { log: logOf(life) }) });
      await counter.call("countOn", BYTES);
    };
    const [survivor, first] = await Promise.all([startCounter(place), startCounter(place)]);
    let victim = first;
    await begin(victimSide === "server" ? victim : survivor, "server", 0);
    await begin(victimSide === "client" ? victim : survivor, "client", 0);
    for (let life = 1; life <= kills; life++) {
      const messages = random.integer(1, MAX_MESSAGES);
      const takes = [survivor, victim].map((side) => side.call("take", messages));
      const [next] = await Promise.all([startCounter(place), ...takes]);
      await victim.kill();
      await survivor.call("writeAway");
      await begin(next, victimSide, life);
      await survivor.next("lost");
      victim = next;
      onLoss?.(life);
    }
    const [client, server] = victimSide === "client" ? [victim, survivor] : [survivor, victim];
    const reports = await endBoth(client, server);
    const lives = Array.from({ length: kills + 1 }, (_, life) => logOf(life));
    const result = judge([{ side: survivorSide, report: reports[survivorSide], logs: lives, isProved: false }]);
    if (result.losses !== kills) throw new Error(`${result.losses} losses after ${kills} kills`);
    await Promise.all(lives.map((log) => rm(log)));
    return result;
  });
}

/**
 * Stops one side until its session has expired at the other, and lets it go on, again and again. Holds what both are told against what
 * the other has taken. A client that was stopped is told what its server has proved, and a server is told nothing by its client.
 * @throws Error when one of them is told something else
 */
export function stopCounters(stoppedSide: Side, stops: number, onLoss?: OnLoss): Promise<LossResult> {
  return Place.lend(async (place) => {
    const random = new SeededRandom(stops);
    const { directory } = place;
    const folder = join(directory, SERVER_FOLDER);
    await mkdir(folder, { mode: 0o700 });
    const logs = { client: join(directory, "client.log"), server: join(directory, "server.log") };
    const start = { name: NAME, ...LIMITS, life: 0 };
    const [client, server] = await Promise.all([startCounter(place), startCounter(place)]);
    const limits = (side: Side) => ({
      ...start,
      side,
      log: logs[side],
      ...(side !== stoppedSide && { ttlMs: SHORT_TTL_MS }),
    });
    await server.call("start", { ...limits("server"), directory: folder });
    const socket = `${NAME}.sock`;
    const proxy = await FaultProxy.listen([], { path: join(directory, socket) }, { path: join(folder, socket) });
    try {
      await client.call("start", { ...limits("client"), directory });
      await Promise.all([client, server].map((side) => side.call("countOn", BYTES)));
      const [stopped, other] = stoppedSide === "server" ? [server, client] : [client, server];
      for (let stop = 0; stop < stops; stop++) {
        const messages = random.integer(1, MAX_MESSAGES);
        await Promise.all([client, server].map((side) => side.call("take", messages)));
        stopped.signal("SIGSTOP");
        // Neither waits for an answer of the other meanwhile: a session does not expire as long as its client does.
        proxy.down();
        await other.next("lost");
        stopped.signal("SIGCONT");
        await stopped.call("writeAway");
        proxy.up();
        await stopped.next("lost");
        onLoss?.(stop + 1);
      }
      const reports = await endBoth(client, server);
      const result = judge([
        { side: "client", report: reports.client, logs: [logs.server], isProved: stoppedSide === "client" },
        { side: "server", report: reports.server, logs: [logs.client], isProved: false },
      ]);
      await Promise.all(Object.values(logs).map((log) => rm(log)));
      return result;
    } finally {
      await proxy.close();
      await rm(folder, { recursive: true });
    }
  });
}

async function endBoth(client: CounterProcess, server: CounterProcess): Promise<Readonly<Record<Side, CounterReport>>> {
  await Promise.all([client, server].map((side) => side.call("finish")));
  const reports = { client: await client.call("report"), server: await server.call("report") };
  await client.call("close");
  await server.call("close");
  await Promise.all([client.end(), server.end()]);
  return reports;
}

function judge(all: readonly Told[]): LossResult {
  for (const { side, report, logs, isProved } of all) {
    const taken = new Map(logs.flatMap((log) => [...readLog(log)]));
    for (const loss of report.losses) {
      const wrong = findWrongLoss(loss, { taken: taken.get(loss.session) ?? 0, isProved });
      if (wrong !== undefined) throw new Error(`the ${side}, session ${loss.session}: ${wrong}`);
    }
  }
  // Nothing arrives of a session that the busy server refused: it is no session that was lost.
  const losses = all.flatMap(({ report }) => report.losses).filter(({ isBusy }) => !isBusy);
  return {
    losses: losses.length,
    undelivered: sum(losses.map(({ undelivered }) => undelivered.length)),
    unconfirmed: sum(losses.map(({ unconfirmed }) => unconfirmed)),
    taken: sum(all.map(({ report }) => report.taken)),
  };
}
