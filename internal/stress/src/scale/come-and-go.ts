import { readdir } from "node:fs/promises";
import { startServerManager } from "@ipc/manager";
import { countResources, type Footprint, footprint, isSameCount, waitUntil } from "../process/footprint.js";
import { measureApart } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { groupDigits, kib, sum, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { defaultWire } from "../traffic/wire.js";
import { type CloseUnderLoadReport, closeTable, closeUnderLoad, lostNothing } from "./close-under-load.js";
import { Crowd } from "./crowd.js";
import { shortenSlots } from "./slot-timer.js";

const PROCESSES = 2;

/** In each process. */
const AT_ONCE = 10;

/** A tenth of the visitors: each has full queues. */
const VISITORS_PER_CLOSED = 10;
const MAX_GROWTH_BYTES = 524_288;

/** Without compiled code, which lies in the heap: some hundred KiB that belong to no client. */
const UNCOMPILED = ["--expose-gc", "--no-opt", "--no-sparkplug"];

export interface ComeAndGo {
  readonly clients: number;
  readonly encryption: boolean;
}

export interface ComeAndGoReport extends ComeAndGo {
  /** Came back right; each client sends one. */
  readonly echoes: number;
  readonly connections: number;
  readonly disconnections: number;
  readonly seconds: number;
  readonly before: Footprint;
  readonly after: Footprint;
  /** Socket files and any other file beside them. */
  readonly filesBefore: number;
  readonly filesAfter: number;
  /** When the manager was closed, too. */
  readonly filesAtTheEnd: readonly string[];
}

/** The resources that departed clients leave behind, and the messages that a close in the middle of the traffic loses. */
export const comeAndGo: Scenario<"clients"> = {
  what: "lets so many clients come, echo and go, then closes a server of a tenth of them under load",
  page: "SCALE.md",
  options: { clients: 2_000 },

  async run({ clients }) {
    const closed = Math.ceil(clients / VISITORS_PER_CLOSED);
    const visits: ComeAndGoReport[] = [];
    const closes: CloseUnderLoadReport[] = [];
    for (const encryption of [false, true]) {
      visits.push(await runComeAndGo({ clients, encryption }));
      closes.push(await closeUnderLoad({ clients: closed, encryption }));
    }
    const met = visits.every(leftNothing) && closes.every(lostNothing);
    const lines = [
      `${groupDigits(clients)} clients come, echo a message and go, ${PROCESSES * AT_ONCE} at a time, every other one with \`multiClient\`, which has a listener and a`,
      "socket file for itself. Before: after the first fifth of them. All of the server's process, in which V8 compiles nothing on the",
      "way: that would be some hundred KiB of heap.",
      "",
      table(
        ["wire", "echoes", "seconds", "descriptors", "socket files", "sockets, timers …", "growth of the heap, KiB"],
        visits.map((report) => [
          ...[defaultWire(report.encryption), report.echoes, report.seconds.toFixed(1)],
          `${report.before.descriptors} → ${report.after.descriptors}`,
          `${report.filesBefore} → ${report.filesAfter} → ${report.filesAtTheEnd.length} when closed`,
          `${resourcesOf(report.before)} → ${resourcesOf(report.after)}`,
          kib(growthOf(report)),
        ]),
      ),
      `\`close()\` while ${groupDigits(closed)} clients send without end, do not read, and have full queues; from then on they read.`,
      "",
      closeTable(closes),
      `Target: nothing is left and nothing is lost; the heap grows by less than 512 KiB: ${met ? "met" : "MISSED"}.`,
    ];
    return { figures: lines.join("\n"), met };
  },
};

export function runComeAndGo(order: ComeAndGo): Promise<ComeAndGoReport> {
  return measureApart("scale/come-and-go", order, UNCOMPILED);
}

/**
 * Lets clients come, echo and go, several at a time, half of them with a listener of their own, and measures what their server,
 * which is this process, holds then and after a fifth of them.
 */
export async function measure(order: ComeAndGo, place: Place): Promise<ComeAndGoReport> {
  shortenSlots();
  const { clients, encryption } = order;
  const { directory } = place;
  const address = { name: "visits", directory, encryption };
  const manager = await startServerManager(address);
  manager.on("message", (connection, message) => void connection.write(message.type, message.data));
  const told = { connections: 0, disconnections: 0 };
  manager.on("connection", () => void told.connections++);
  manager.on("disconnection", () => void told.disconnections++);
  const crowd = await Crowd.start(place, address, PROCESSES);

  const idle = countResources();
  const from = performance.now();
  let echoes = 0;
  const visit = async (visits: number): Promise<void> => {
    echoes += sum(await crowd.call("visit", (share) => ({ visits: share(visits), atOnce: AT_ONCE })));
    // Also clients that came for an id only: they are in no list, but they have a socket.
    await waitUntil("all are gone", () => manager.connections.size === 0 && countResources() <= idle);
  };
  await visit(Math.floor(clients / 5));
  const before = await footprint();
  const filesBefore = (await readdir(directory)).length;
  await visit(clients - Math.floor(clients / 5));
  const seconds = (performance.now() - from) / 1_000;
  const after = await footprint();
  const filesAfter = (await readdir(directory)).length;

  await crowd.end();
  await manager.close();
  const filesAtTheEnd = await readdir(directory);
  return { ...order, echoes, ...told, seconds, before, after, filesBefore, filesAfter, filesAtTheEnd };
}

function growthOf({ before, after }: ComeAndGoReport): number {
  return after.heapUsed - before.heapUsed;
}

function resourcesOf({ resources }: Footprint): number {
  return sum(Object.values(resources));
}

function leftNothing(report: ComeAndGoReport): boolean {
  const { before, after } = report;
  return (
    report.echoes === report.clients &&
    isSameCount(before, after) &&
    report.filesAfter === report.filesBefore &&
    report.filesAtTheEnd.length === 0 &&
    growthOf(report) < MAX_GROWTH_BYTES
  );
}
