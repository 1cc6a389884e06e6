import { type Footprint, isSameCount } from "../process/footprint.js";
import { measureApart } from "../process/measurement.js";
import { groupDigits, kib, sum, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { defaultWire } from "../traffic/wire.js";
import type { CloseUnderLoadReport } from "./close-under-load-server.js";
import type { ComeAndGo, ComeAndGoReport } from "./come-and-go-server.js";

/** A tenth of the visitors: each has full queues. */
const VISITORS_PER_CLOSED = 10;
const MAX_GROWTH_BYTES = 524_288;

/** Without compiled code, which lies in the heap: some hundred KiB that belong to no client. */
const UNCOMPILED = ["--expose-gc", "--no-opt", "--no-sparkplug"];

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
      `${groupDigits(clients)} clients come, echo a message and go, ${visits[0]?.atOnce} at a time, every other one with \`multiClient\`, which has a listener and a`,
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
          kib(report.heapGrowth),
        ]),
      ),
      `\`close()\` while ${groupDigits(closed)} clients send without end, do not read, and have full queues; from then on they read.`,
      "",
      table(
        [
          "wire",
          "queued bytes",
          "accepted",
          "received",
          "clients that miss any",
          "close took, ms",
          "descriptors",
          "files left",
        ],
        closes.map((report) => [
          ...[defaultWire(report.encryption), report.queuedBytes, report.accepted, report.received],
          ...[report.clientsShort, report.closeMs, `${report.before.descriptors} → ${report.after.descriptors}`],
          report.filesAtTheEnd.length,
        ]),
      ),
      `Target: nothing is left and nothing is lost; the heap grows by less than 512 KiB: ${met ? "met" : "MISSED"}.`,
    ];
    return { figures: lines.join("\n"), met };
  },
};

export function runComeAndGo(order: ComeAndGo): Promise<ComeAndGoReport> {
  return measureApart("scale/come-and-go-server", order, UNCOMPILED);
}

export function closeUnderLoad(order: ComeAndGo): Promise<CloseUnderLoadReport> {
  return measureApart("scale/close-under-load-server", order, ["--expose-gc"]);
}

function resourcesOf({ resources }: Footprint): number {
  return sum(Object.values(resources));
}

function leftNothing(report: ComeAndGoReport): boolean {
  const { before, after, heapGrowth } = report;
  return (
    report.echoes === report.clients &&
    isSameCount(before, after) &&
    report.filesAfter === report.filesBefore &&
    report.filesAtTheEnd.length === 0 &&
    heapGrowth < MAX_GROWTH_BYTES
  );
}

function lostNothing(report: CloseUnderLoadReport): boolean {
  const { before, after, closeError } = report;
  return (
    closeError === undefined &&
    report.clientsShort === 0 &&
    isSameCount(before, after) &&
    report.filesAtTheEnd.length === 0
  );
}
