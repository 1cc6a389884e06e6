import { runProgram } from "./run-program.js";
import { grouped, type Section, spreadOf, table, wire } from "./scale-document.js";
import type { StalledReaderReport } from "./stalled-reader.js";

const CLIENTS = 50;
const PAIRS = 9;
const TARGET = 0.9;

/** Messages of each client in each run, so that a run takes some seconds. */
const RUNS = [
  { encryption: false, messages: 10_000 },
  { encryption: true, messages: 2_000 },
] as const;

/** What one client that stops reading does to all others. */
export async function stalledReaderSection(): Promise<Section> {
  const reports: StalledReaderReport[] = [];
  for (const { encryption, messages } of RUNS) {
    reports.push(await runProgram<StalledReaderReport>("stalled-reader", CLIENTS, encryption, PAIRS, messages));
  }
  const met = reports.every((report) => ratiosOf(report).median >= TARGET && report.stalledToTheEnd);
  return {
    met,
    lines: [
      `${CLIENTS} clients send messages of ${reports[0]?.messageBytes} bytes as fast as the server takes them, and one of them never reads the echoes. Rate: echoes a`,
      `second of the other ${CLIENTS - 1}, until the last of them has all of its own; without: of these ${CLIENTS - 1} alone. Medians of ${PAIRS} pairs of runs, one`,
      "after the other in the same server, in turns of order; in brackets the least and the greatest. By work: the same ratio out",
      "of the processor time that an echo costs the server, which tells less of what else the machine does.",
      "",
      ...table(
        [
          "wire",
          "rate without",
          "rate beside it",
          "ratio",
          "by work",
          "it queues",
          "it leaves unread",
          "all queue",
          "all leave unread",
        ],
        reports.map(rowOf),
      ),
      "",
      "Bytes: the most that was seen, of its connection and of all together. A connection may queue 1 048 576 bytes and a",
      "message, and leave as much unread; all together 268 435 456.",
      "",
      `Target: a ratio of ${TARGET} or more: ${met ? "met" : "MISSED"}.`,
    ],
  };
}

function rowOf(report: StalledReaderReport): string[] {
  const { encryption, pairs, peak } = report;
  return [
    wire(encryption),
    withSpread(spreadOf(pairs.map(({ without }) => without.perSecond)), grouped),
    withSpread(spreadOf(pairs.map(({ beside }) => beside.perSecond)), grouped),
    withSpread(ratiosOf(report), (ratio) => ratio.toFixed(2)),
    spreadOf(pairs.map(({ without, beside }) => without.microseconds / beside.microseconds)).median.toFixed(2),
    ...[peak.queuedBytes, peak.unreadBytes, peak.totalQueuedBytes, peak.totalUnreadBytes].map(grouped),
  ];
}

function ratiosOf({ pairs }: StalledReaderReport): ReturnType<typeof spreadOf> {
  return spreadOf(pairs.map(({ without, beside }) => beside.perSecond / without.perSecond));
}

function withSpread(spread: ReturnType<typeof spreadOf>, show: (figure: number) => string): string {
  return `${show(spread.median)} (${show(spread.least)} … ${show(spread.greatest)})`;
}
