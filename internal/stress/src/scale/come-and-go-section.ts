import type { CloseUnderLoadReport } from "./close-under-load.js";
import type { ComeAndGoReport } from "./come-and-go.js";
import { runProgram, runUncompiled } from "./run-program.js";
import { grouped, kib, type Section, table, wire } from "./scale-document.js";

const VISITORS = 2_000;
const CLOSED = 200;
const MAX_GROWTH_BYTES = 524_288;

/** What clients that have gone leave behind, and what a close in the middle of the traffic loses. */
export async function comeAndGoSection(): Promise<Section> {
  const visits: ComeAndGoReport[] = [];
  const closes: CloseUnderLoadReport[] = [];
  for (const encryption of [false, true]) {
    visits.push(await runUncompiled<ComeAndGoReport>("come-and-go", VISITORS, encryption));
    closes.push(await runProgram<CloseUnderLoadReport>("close-under-load", CLOSED, encryption));
  }
  const met = visits.every(leftNothing) && closes.every(lostNothing);
  return {
    met,
    lines: [
      `${grouped(VISITORS)} clients come, echo a message and go, ${visits[0]?.atOnce} at a time, every other one with \`multiClient\`, which has a listener and a`,
      "socket file for itself. Before: after the first fifth of them. All of the server's process, in which V8 compiles nothing on the",
      "way: that would be some hundred KiB of heap.",
      "",
      ...table(
        ["wire", "echoes", "seconds", "descriptors", "socket files", "sockets, timers …", "growth of the heap, KiB"],
        visits.map((report) => [
          ...[wire(report.encryption), grouped(report.echoes), report.seconds.toFixed(1)],
          `${report.before.descriptors} → ${report.after.descriptors}`,
          `${report.filesBefore} → ${report.filesAfter} → ${report.filesAtTheEnd.length} when closed`,
          `${count(report.before.resources)} → ${count(report.after.resources)}`,
          kib(report.heapGrowth),
        ]),
      ),
      "",
      `\`close()\` while ${grouped(CLOSED)} clients send without end, do not read, and have full queues; from then on they read.`,
      "",
      ...table(
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
          ...[wire(report.encryption), grouped(report.queuedBytes), grouped(report.accepted), grouped(report.received)],
          ...[grouped(report.clientsShort), grouped(report.closeMs)],
          ...[`${report.before.descriptors} → ${report.after.descriptors}`, `${report.filesAtTheEnd.length}`],
        ]),
      ),
      "",
      `Target: nothing is left and nothing is lost; the heap grows by less than 512 KiB: ${met ? "met" : "MISSED"}.`,
    ],
  };
}

function count(resources: Readonly<Record<string, number>>): number {
  return Object.values(resources).reduce((sum, each) => sum + each, 0);
}

function leftNothing(report: ComeAndGoReport): boolean {
  const { before, after, heapGrowth } = report;
  return (
    report.echoes === VISITORS &&
    after.descriptors === before.descriptors &&
    count(after.resources) === count(before.resources) &&
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
    after.descriptors === before.descriptors &&
    count(after.resources) === count(before.resources) &&
    report.filesAtTheEnd.length === 0
  );
}
