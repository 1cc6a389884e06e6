import { readdir } from "node:fs/promises";
import { type ServerConnection, startServerManager } from "@ipc/manager";
import { countResources, type Footprint, footprint, isSameCount, waitUntil } from "../process/footprint.js";
import { measureApart } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { sum, table } from "../report/figure.js";
import { defaultWire } from "../traffic/wire.js";
import { Crowd } from "./crowd.js";
import { HELLO, LOAD } from "./visitor.js";

const PROCESSES = 2;

/** Large enough that queues fill, and not ciphers alone are busy. */
const MESSAGE_BYTES = 4_096;

/** A connection queues, and a client leaves unread, so much at the most. */
const CONNECTION_BYTES = 65_536;

const CLOSE_MS = 60_000;

export interface CloseUnderLoad {
  readonly clients: number;
  readonly encryption: boolean;
}

export interface CloseUnderLoadReport extends CloseUnderLoad {
  /** Accepted for all clients, and received by them; and how many clients received another number than was accepted. */
  readonly accepted: number;
  readonly received: number;
  readonly clientsShort: number;
  /** Accepted and not with the kernel when `close` was called. */
  readonly queuedBytes: number;
  readonly closeMs: number;
  readonly closeError: string | undefined;
  readonly before: Footprint;
  readonly after: Footprint;
  readonly filesAtTheEnd: readonly string[];
}

/** The messages for one client, until its connection ends. */
class Feed {
  accepted = 0;
  readonly #connection: ServerConnection;

  constructor(connection: ServerConnection) {
    this.#connection = connection;
  }

  get isFull(): boolean {
    return this.#connection.stats.queuedBytes >= CONNECTION_BYTES;
  }

  /** Counts as accepted what a write says so of, also while the connection is being closed. */
  async run(): Promise<void> {
    const data = Buffer.alloc(MESSAGE_BYTES);
    for (;;) {
      data.writeUInt32BE(this.accepted);
      await this.#connection.write(LOAD, data);
      this.accepted++;
    }
  }
}

/**
 * Closes a server, which is this process, in the middle of the traffic of many clients, and counts for how many of them the
 * messages that arrived are not those that were accepted, and what is left.
 */
export async function measure(order: CloseUnderLoad, place: Place): Promise<CloseUnderLoadReport> {
  const { clients, encryption } = order;
  const { directory } = place;
  const address = { name: "close", directory, encryption, maxUnreadBytes: CONNECTION_BYTES };
  const crowd = await Crowd.start(place, address, PROCESSES);
  const idle = countResources();
  const before = await footprint();
  const manager = await startServerManager({ ...address, maxQueuedBytes: CONNECTION_BYTES });
  const feeds = new Map<string, Feed>();
  manager.on("message", (connection, message) => {
    if (message.type !== HELLO) return;
    const feed = new Feed(connection);
    feeds.set(message.text(), feed);
    feed.run().catch(() => {});
  });
  await crowd.call("connect", (share) => ({ clients: share(clients), atOnce: clients }));
  await crowd.call("load", () => MESSAGE_BYTES);
  await waitUntil(
    "every queue is full",
    () => feeds.size === clients && [...feeds.values()].every((feed) => feed.isFull),
  );
  const { queuedBytes } = manager.stats;

  const drained = crowd.call("drain");
  const from = performance.now();
  const closeError = await manager.close({ timeoutMs: CLOSE_MS }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const closeMs = performance.now() - from;
  const byName: Record<string, number> = Object.assign({}, ...(await drained));
  const received = sum(Object.values(byName));
  const filesAtTheEnd = await readdir(directory);
  const accepted = sum([...feeds.values()].map((feed) => feed.accepted));
  const clientsShort = [...feeds].filter(([name, feed]) => byName[name] !== feed.accepted).length;
  feeds.clear();
  await waitUntil("all handles are closed", () => countResources() <= idle);
  const after = await footprint();

  await crowd.end();
  return {
    ...{ ...order, accepted, received, clientsShort, queuedBytes, closeMs, closeError },
    ...{ before, after, filesAtTheEnd },
  };
}

export function closeUnderLoad(order: CloseUnderLoad): Promise<CloseUnderLoadReport> {
  return measureApart("scale/close-under-load", order, ["--expose-gc"]);
}

export function closeTable(reports: readonly CloseUnderLoadReport[]): string {
  const head = "wire, queued bytes, accepted, received, clients that miss any";
  return table(
    [...head.split(", "), "close took, ms", "descriptors", "files left"],
    reports.map((report) => [
      ...[defaultWire(report.encryption), report.queuedBytes, report.accepted, report.received],
      ...[report.clientsShort, report.closeMs, `${report.before.descriptors} → ${report.after.descriptors}`],
      report.filesAtTheEnd.length,
    ]),
  );
}

export function lostNothing(report: CloseUnderLoadReport): boolean {
  const { before, after, closeError, clientsShort, filesAtTheEnd } = report;
  return closeError === undefined && clientsShort === 0 && isSameCount(before, after) && filesAtTheEnd.length === 0;
}
