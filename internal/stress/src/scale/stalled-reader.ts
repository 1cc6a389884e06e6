import { measureApart } from "../process/measurement.js";
import { groupDigits, quantile, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { defaultWire } from "../traffic/wire.js";
import type { StalledReader, StalledReaderReport } from "./stalled-reader-server.js";

const CLIENTS = 50;
const TARGET = 0.9;

/** Encryption takes about five times as long: so that a run takes some seconds, too. */
const ENCRYPTED_SHARE = 0.2;

/** The effect of one client that stops reading on all others. */
export const stalledReader: Scenario<"pairs" | "messages"> = {
  what: "measures 50 clients beside one that stops reading, and without it, in so many pairs of runs",
  page: "SCALE.md",
  options: { pairs: 9, messages: 10_000 },

  async run({ pairs, messages }) {
    const reports: StalledReaderReport[] = [];
    for (const encryption of [false, true]) {
      const each = Math.ceil(encryption ? messages * ENCRYPTED_SHARE : messages);
      reports.push(await runStalledReader({ clients: CLIENTS, encryption, pairs, messages: each }));
    }
    const met = reports.every((report) => quantile(ratiosOf(report), 0.5) >= TARGET && report.stalledToTheEnd);
    const lines = [
      `${CLIENTS} clients send messages of ${reports[0]?.messageBytes} bytes as fast as the server takes them, and one of them never reads the echoes. Rate: echoes a`,
      `second of the other ${CLIENTS - 1}, until the last of them has all of its own; without: of these ${CLIENTS - 1} alone. Medians of ${pairs} pairs of runs, one`,
      "after the other in the same server, in turns of order; in brackets the least and the greatest. By work: the same ratio out",
      "of the processor time that an echo costs the server, on which the other load of the machine has less effect.",
      "",
      table(
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
      "Bytes: the most that was seen, of its connection and of all together. A connection may queue 1 048 576 bytes and a",
      "message, and leave as much unread; all together 268 435 456.",
      "",
      `Target: a ratio of ${TARGET} or more: ${met ? "met" : "MISSED"}.`,
    ];
    return { figures: lines.join("\n"), met };
  },
};

export function runStalledReader(order: StalledReader): Promise<StalledReaderReport> {
  return measureApart("scale/stalled-reader-server", order, []);
}

function rowOf(report: StalledReaderReport): (string | number)[] {
  const { encryption, pairs, peak } = report;
  const byWork = pairs.map(({ without, beside }) => without.microseconds / beside.microseconds);
  return [
    defaultWire(encryption),
    withSpread(
      pairs.map(({ without }) => without.perSecond),
      groupDigits,
    ),
    withSpread(
      pairs.map(({ beside }) => beside.perSecond),
      groupDigits,
    ),
    withSpread(ratiosOf(report), (ratio) => ratio.toFixed(2)),
    quantile(byWork, 0.5).toFixed(2),
    ...[peak.queuedBytes, peak.unreadBytes, peak.totalQueuedBytes, peak.totalUnreadBytes],
  ];
}

function ratiosOf({ pairs }: StalledReaderReport): number[] {
  return pairs.map(({ without, beside }) => beside.perSecond / without.perSecond);
}

/** The median, the least and the greatest. */
function withSpread(values: readonly number[], show: (value: number) => string): string {
  const [least, median, greatest] = [0, 0.5, 1].map((share) => show(quantile(values, share)));
  return `${median} (${least} … ${greatest})`;
}
