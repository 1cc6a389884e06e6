import { setTimeout } from "node:timers/promises";
import { queryObjects } from "node:v8";
import { startServerManager } from "@ipc/manager";
import { descriptorLimit, type Footprint, footprint, waitUntil } from "../process/footprint.js";
import { measureApart } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { groupDigits, kib, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { defaultWire } from "../traffic/wire.js";
import { Crowd } from "./crowd.js";

const PROCESSES = 4;
const DEFAULT_MS = 15_000;

/** The share of a core, for all connections together. */
const TARGET_PERCENT = 10;

/** Each process starts this many clients at the same moment; the next ones follow as these are connected. */
const AT_ONCE = 25;

/** Descriptors of the server besides its connections: listeners, channels to the crowd, Node's own. */
const OWN_DESCRIPTORS = 200;

const WARM_UP = 40;
const US_PER_MS = 1_000;
const LOOK_EVERY_MS = 10;

export interface IdleConnections {
  readonly clients: number;
  readonly encryption: boolean;
  readonly processes: number;
  /** The setting of the server and of its clients. */
  readonly heartbeatMs: number;
  /** How long the processor time is measured, and then the event loop again, in milliseconds. */
  readonly idleMs: number;
}

/** `clients`: as ordered, or fewer where the number of descriptors allows no more. */
interface IdleConnectionsReport extends IdleConnections {
  /** Timers in the server's heap while all stood idle. */
  readonly timers: number;
  /** Processor time of the server in a second of idleness, in milliseconds. */
  readonly cpuMsPerSecond: number;
  /** The most processor time between two looks of a timer of 10 ms: what holds up everything else, in milliseconds. */
  readonly longestTurnMs: number;
  /** Connections that were called silent. */
  readonly silent: number;
  readonly before: Footprint;
  readonly idle: Footprint;
}

/** The cost of the heartbeat for a server whose clients say nothing. */
export const idleConnections: Scenario<"clients" | "seconds"> = {
  what: "measures what so many idle clients cost their server in so many seconds, with a heartbeat of 15 s and without",
  page: "SCALE.md",
  options: { clients: 10_000, seconds: 60 },

  async run({ clients, seconds }) {
    const pairs: (readonly [IdleConnectionsReport, IdleConnectionsReport])[] = [];
    for (const encryption of [false, true]) {
      const order = { clients, encryption, processes: PROCESSES, idleMs: seconds * 1_000 };
      const off = await runIdleConnections({ ...order, heartbeatMs: 0 });
      pairs.push([off, await runIdleConnections({ ...order, heartbeatMs: DEFAULT_MS })]);
    }
    const met = pairs.every(isCheap);
    const reports = pairs.flat();
    const lines = [
      `The clients live in ${PROCESSES} other processes on the same machine, with the same heartbeat as their server. All figures are of the`,
      `server's process, while all clients stand idle: processor time in ${seconds} s, and in the next ${seconds} s the most processor time`,
      "between two looks of a timer of 10 ms, which is what a burst of PINGs holds up.",
      "",
      table(
        [
          "clients, wire",
          "heartbeat, ms",
          "timers",
          "processor, ms/s",
          "µs for a client and heartbeat",
          "longest turn, processor ms",
          "silent",
          "heap of a client, KiB",
        ],
        reports.map(rowOf),
      ),
      `Target: one timer more than without a heartbeat, at most ${TARGET_PERCENT} % of a core more, and no client is silent: ${met ? "met" : "MISSED"}.`,
    ];
    return { figures: lines.join("\n"), met };
  },
};

export function runIdleConnections(order: IdleConnections): Promise<IdleConnectionsReport> {
  return measureApart("scale/idle-connections", order, ["--expose-gc"]);
}

/** Connects many clients that then say nothing, and measures what they cost their server, which is this process. */
export async function measure(order: IdleConnections, place: Place): Promise<IdleConnectionsReport> {
  const { encryption, processes, heartbeatMs, idleMs } = order;
  const clients = Math.min(order.clients, (await descriptorLimit()) - OWN_DESCRIPTORS);
  const address = { name: "idle", directory: place.directory, encryption, heartbeatMs };
  const manager = await startServerManager({ ...address, maxConnections: Math.max(clients, WARM_UP) });
  let silent = 0;
  manager.on("connection", (connection) => connection.on("silent", () => silent++));
  const crowd = await Crowd.start(place, address, processes);
  const closeAll = async (): Promise<void> => {
    await crowd.call("close");
    await waitUntil("all are gone", () => manager.connections.size === 0);
  };

  // Code that is loaded and compiled once must not count.
  await crowd.call("connect", (share) => ({ clients: share(WARM_UP), atOnce: AT_ONCE }));
  await closeAll();
  const before = await footprint();
  await crowd.call("connect", (share) => ({ clients: share(clients), atOnce: AT_ONCE }));
  await waitUntil("all are connected", () => manager.connections.size === clients);
  // Until the first PINGs are due, and the handshakes' key pairs are replaced.
  await setTimeout(heartbeatMs);
  const idle = await footprint();
  const timers = countTimers();

  const [usedMs, from] = [processorMs(), performance.now()];
  await setTimeout(idleMs);
  const cpuMsPerSecond = (processorMs() - usedMs) / ((performance.now() - from) / 1_000);
  const longestTurnMs = await longestTurn(idleMs);

  await closeAll();
  await crowd.end();
  await manager.close();
  return { ...order, clients, timers, cpuMsPerSecond, longestTurnMs, silent, before, idle };
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / US_PER_MS;
}

async function longestTurn(idleMs: number): Promise<number> {
  let longestMs = 0;
  let usedMs = processorMs();
  const looks = setInterval(() => {
    const nowMs = processorMs();
    longestMs = Math.max(longestMs, nowMs - usedMs);
    usedMs = nowMs;
  }, LOOK_EVERY_MS);
  await setTimeout(idleMs);
  clearInterval(looks);
  return longestMs;
}

/** Counts the timers of this process, unreferenced ones too; V8 collects the garbage first. */
function countTimers(): number {
  const timer = globalThis.setTimeout(() => {}, 0);
  clearTimeout(timer);
  return queryObjects(timer.constructor as new () => NodeJS.Timeout, { format: "count" });
}

function rowOf(report: IdleConnectionsReport): (string | number)[] {
  const { clients, encryption, heartbeatMs, timers, cpuMsPerSecond, longestTurnMs, silent, before, idle } = report;
  const each = heartbeatMs === 0 ? "" : ((cpuMsPerSecond * heartbeatMs) / clients).toFixed(1);
  return [
    `${groupDigits(clients)} ${defaultWire(encryption)}`,
    ...[heartbeatMs, timers, cpuMsPerSecond.toFixed(1), each, longestTurnMs.toFixed(1), silent],
    kib((idle.heapUsed - before.heapUsed) / clients),
  ];
}

function isCheap([off, on]: readonly [IdleConnectionsReport, IdleConnectionsReport]): boolean {
  const percent = (on.cpuMsPerSecond - off.cpuMsPerSecond) / 10;
  return on.timers === off.timers + 1 && percent <= TARGET_PERCENT && on.silent === 0;
}
