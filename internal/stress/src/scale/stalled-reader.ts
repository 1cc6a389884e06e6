import { type ServerConnection, startServerManager } from "@ipc/manager";
import { waitUntil } from "../process/footprint.js";
import { measureApart } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { groupDigits, quantile, sum, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { defaultWire } from "../traffic/wire.js";
import { Crowd } from "./crowd.js";

const CLIENTS = 50;
const TARGET = 0.9;
const MESSAGE_BYTES = 64;

/** The bytes that each connection may hold, in each direction, and all of them together. */
interface Budgets {
  readonly connectionBytes: number;
  readonly totalBytes: number;
}

/** A manager's own. */
const DEFAULTS: Budgets = { connectionBytes: 1_048_576, totalBytes: 268_435_456 };

/** The highest figures seen, in bytes. */
interface Peak {
  queuedBytes: number;
  unreadBytes: number;
  totalQueuedBytes: number;
  totalUnreadBytes: number;
}

/** The pace of the others together in one run. */
interface Pace {
  /** Echoes a second, until the last of them has all of its own. */
  readonly perSecond: number;
  /** Processor time of the server for each echo, in microseconds: it tells less of what else the machine does. */
  readonly microseconds: number;
}

interface StalledReaderReport {
  readonly encryption: boolean;
  readonly pairs: readonly { readonly without: Pace; readonly beside: Pace }[];
  /** The peaks of the stalled one's connection, and of all. */
  readonly peak: Peak;
  /** Whether it stood still at the end of each run: its queue full, and nothing moving. */
  readonly stalledToTheEnd: boolean;
}

export interface StalledReader {
  readonly clients: number;
  readonly encryption: boolean;
  readonly pairs: number;
  /** The messages of each client in each run. */
  readonly messages: number;
  /** @default a manager's own */
  readonly budgets?: Budgets;
}

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
      `${CLIENTS} clients send messages of ${MESSAGE_BYTES} bytes as fast as the server takes them, and one of them never reads the echoes. Rate: echoes a`,
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
  return measureApart("scale/stalled-reader", order, []);
}

/**
 * Floods a server, which is this process, with many clients of which one stops reading, and measures what the others achieve
 * beside and without it, and what the stalled one holds.
 */
export async function measure(order: StalledReader, place: Place): Promise<StalledReaderReport> {
  const { clients, encryption, pairs, messages, budgets = DEFAULTS } = order;
  const { connectionBytes, totalBytes } = budgets;
  const address = { name: "stalled", directory: place.directory, encryption };
  const manager = await startServerManager({
    ...address,
    maxQueuedBytes: connectionBytes,
    maxUnreadBytes: connectionBytes,
    maxTotalQueuedBytes: totalBytes,
    maxTotalUnreadBytes: totalBytes,
  });
  const peak: Peak = { queuedBytes: 0, unreadBytes: 0, totalQueuedBytes: 0, totalUnreadBytes: 0 };
  let stalled: ServerConnection | undefined;
  /** Watches what the stalled connection holds, and all together. */
  const look = (): void => {
    const { queuedBytes, unreadBytes } = manager.stats;
    peak.totalQueuedBytes = Math.max(peak.totalQueuedBytes, queuedBytes);
    peak.totalUnreadBytes = Math.max(peak.totalUnreadBytes, unreadBytes);
    peak.queuedBytes = Math.max(peak.queuedBytes, stalled?.stats.queuedBytes ?? 0);
    peak.unreadBytes = Math.max(peak.unreadBytes, stalled?.stats.unreadBytes ?? 0);
  };
  let newest: ServerConnection | undefined;
  manager.on("connection", (connection) => {
    newest = connection;
    // It ends with the connection: a write that was under way then fails.
    echoAll(connection, look).catch(() => {});
  });
  const others = await Crowd.start(place, address, 2);
  const odd = await Crowd.start(place, { ...address, maxUnreadBytes: connectionBytes }, 1);
  await others.call("connect", (share) => ({ clients: share(clients - 1), atOnce: clients }));

  const run = async (): Promise<Pace> => {
    const from = performance.now();
    const busy = process.cpuUsage();
    const echoes = sum(await others.call("flood", () => ({ messages, bytes: MESSAGE_BYTES })));
    const { user, system } = process.cpuUsage(busy);
    return { perSecond: echoes / ((performance.now() - from) / 1_000), microseconds: (user + system) / echoes };
  };
  let stalledToTheEnd = true;
  const runBeside = async (): Promise<Pace> => {
    await odd.call("connect", () => ({ clients: 1, atOnce: 1 }));
    await waitUntil("it is connected", () => manager.connections.size === clients);
    const connection = newest as ServerConnection;
    const isFull = (): boolean => connection.stats.queuedBytes >= connectionBytes;
    stalled = connection;
    await odd.call("stall", () => MESSAGE_BYTES);
    await waitUntil("its queue is full", isFull);
    const pace = await run();
    stalledToTheEnd &&= isFull();
    look();
    stalled = undefined;
    await odd.call("close");
    await waitUntil("it is gone", () => manager.connections.size === clients - 1);
    return pace;
  };

  await run();
  const figures: { without: Pace; beside: Pace }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    // In alternating order, so that changes of the machine affect both alike.
    const first = pair % 2 === 0 ? await run() : undefined;
    const beside = await runBeside();
    figures.push({ without: first ?? (await run()), beside });
  }

  await odd.end();
  await others.call("close");
  await others.end();
  await manager.close();
  return { encryption, stalledToTheEnd, peak, pairs: figures };
}

/** One loop for each client: only its own backpressure stops it. */
async function echoAll(connection: ServerConnection, look: () => void): Promise<void> {
  let count = 0;
  for await (const message of connection) {
    await connection.write(message.type, message.data);
    if (++count % 64 === 0) look();
  }
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
