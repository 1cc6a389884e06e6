// Closes a server in the middle of the traffic of many clients, and prints for how many of them what arrived is not what was
// accepted, and what is left, as one line of JSON. This process is the server.
// usage: node --expose-gc close-under-load.js CLIENTS ENCRYPTION
import { mkdtemp, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServerConnection, startServerManager } from "@ipc/manager";
import { Crowd } from "./crowd.js";
import { HELLO, LOAD, type Place } from "./crowd-orders.js";
import { countResources, type Footprint, footprint, waitUntil } from "./footprint.js";

const PROCESSES = 2;

/** Large enough that queues fill, and not ciphers alone are busy. */
const MESSAGE_BYTES = 4_096;

/** What a connection queues, and what a client leaves unread, at the most. */
const CONNECTION_BYTES = 65_536;

const CLOSE_MS = 60_000;

export interface CloseUnderLoadReport {
  readonly encryption: boolean;
  readonly clients: number;
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

/** What one client is sent, until its connection ends. */
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

async function measure(clients: number, encryption: boolean): Promise<CloseUnderLoadReport> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-close-"));
  const place: Place = { name: "close", directory, encryption, maxUnreadBytes: CONNECTION_BYTES };
  const crowd = await Crowd.start(place, PROCESSES);
  const idle = countResources();
  const before = await footprint();
  const manager = await startServerManager({ ...place, maxQueuedBytes: CONNECTION_BYTES });
  const feeds = new Map<string, Feed>();
  manager.on("message", (connection, message) => {
    if (message.type !== HELLO) return;
    const feed = new Feed(connection);
    feeds.set(message.text(), feed);
    feed.run().catch(() => {});
  });
  await crowd.do((share) => ({ kind: "connect", clients: share(clients), atOnce: clients }));
  await crowd.do(() => ({ kind: "load", bytes: MESSAGE_BYTES }));
  await waitUntil(
    "every queue is full",
    () => feeds.size === clients && [...feeds.values()].every((feed) => feed.isFull),
  );
  const { queuedBytes } = manager.stats;

  const drained = crowd.do(() => ({ kind: "drain" }));
  const from = performance.now();
  const closeError = await manager.close({ timeoutMs: CLOSE_MS }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const closeMs = performance.now() - from;
  const { messages: received, byName } = await drained;
  const filesAtTheEnd = await readdir(directory);
  const accepted = [...feeds.values()].reduce((sum, feed) => sum + feed.accepted, 0);
  const clientsShort = [...feeds].filter(([name, feed]) => byName[name] !== feed.accepted).length;
  feeds.clear();
  await waitUntil("all handles are closed", () => countResources() <= idle);
  const after = await footprint();

  await crowd.end();
  await rmdir(directory);
  return {
    ...{ encryption, clients, accepted, received, clientsShort, queuedBytes, closeMs, closeError },
    ...{ before, after, filesAtTheEnd },
  };
}

const [clients = "200", encryption = "true"] = process.argv.slice(2);
console.log(JSON.stringify(await measure(Number(clients), encryption === "true")));
