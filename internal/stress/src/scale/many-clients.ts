import { monitorEventLoopDelay } from "node:perf_hooks";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { countResources, descriptorLimit, type Footprint, footprint, waitUntil } from "../process/footprint.js";
import { measureApart } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { groupDigits, kib, sum, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { defaultWire } from "../traffic/wire.js";
import { Crowd } from "./crowd.js";

/** Above it a run has failed. The target is stricter, and measured by the benchmark. */
const MAX_HEAP_KIB = 24;
const PROCESSES = 4;

/** Each process starts this many clients at the same moment; the next ones follow as these are connected. */
const AT_ONCE = 250;

/** Descriptors of the server besides its connections: listeners, channels to the crowd, Node's own. */
const OWN_DESCRIPTORS = 200;

const ECHOES = 3;
const WARM_UP = 40;
const NS_PER_MS = 1_000_000;

/** Reads from the connections: a listener of the manager for all of them, or a loop over each. */
type Reader = "listener" | "loops";

export interface ManyClients {
  readonly clients: number;
  readonly encryption: boolean;
  readonly processes: number;
  readonly reader: Reader;
}

/** `clients`: as ordered, or fewer where `descriptorLimit` allows no more. */
interface ManyClientsReport extends ManyClients {
  readonly descriptorLimit: number;
  /** From the first start to the last one connected. */
  readonly connectSeconds: number;
  /** The delay of the server's event loop in this time: between two looks of a timer of 1 ms, in milliseconds. */
  readonly loopMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Came back right, of 3 that each client sent. */
  readonly echoes: number;
  readonly refused: number;
  readonly before: Footprint;
  readonly connected: Footprint;
  /** All have echoed since. */
  readonly echoed: Footprint;
  readonly after: Footprint;
}

/** How many, encrypted or not, and which reader. */
const RUNS = [
  [200, false, "listener"],
  [200, true, "listener"],
  [1_000, false, "listener"],
  [1_000, true, "listener"],
  [1_000, true, "loops"],
  [10_000, false, "listener"],
  [10_000, true, "listener"],
] as const;

/** The cost of a connection for the server's process, by the number of connections. */
export const manyClients: Scenario<"clients"> = {
  what: "measures the cost of a connection for a server of 200, 1 000 and 10 000 clients, up to so many",
  page: "SCALE.md",
  options: { clients: 10_000 },

  async run({ clients: most }) {
    const reports: ManyClientsReport[] = [];
    const limited: string[] = [];
    for (const [clients, encryption, reader] of RUNS) {
      if (clients > most) continue;
      const order = { clients, encryption, processes: PROCESSES, reader };
      const report = await runManyClients(order);
      reports.push(report);
      if (report.clients < clients) limited.push(limitOf(report));
    }
    const met = reports.every(
      (report) => heapOf(report) <= MAX_HEAP_KIB * 1_024 && report.echoes === ECHOES * report.clients,
    );
    const lines = [
      `The clients live in ${PROCESSES} other processes on the same machine, each of which starts ${AT_ONCE} of its clients at the same`,
      "moment and the next as these are connected. All figures are of the server's process, after a garbage collection, minus",
      "its figures before the first of these clients, divided by their number.",
      "",
      table(
        [
          "clients, wire, read by",
          "connects/s",
          "loop p50 / p99 / max",
          "dropped",
          "echoes",
          "heap",
          "– after echoes",
          "buffers",
          "resident",
        ],
        reports.map(rowOf),
      ),
      "Sizes in KiB for each connection. Heap: when all stood idle, and again after each had sent three messages that came back;",
      "buffers, outside the heap, and resident memory of the process: after the echoes. Dropped: failed handshakes, which the",
      "clients repeated. Loop: how long the server's event loop took between two looks of a timer of 1 ms, in milliseconds, while",
      "they connected.",
      "",
      "The target for the heap of an idle connection is in [BENCHMARKS](BENCHMARKS.md).",
      ...limited,
    ];
    return { figures: lines.join("\n"), met };
  },
};

export function runManyClients(order: ManyClients): Promise<ManyClientsReport> {
  return measureApart("scale/many-clients", order, ["--expose-gc"]);
}

/**
 * Connects many clients at once, has each echo, lets them stand idle, and measures what a connection costs its server, which is
 * this process.
 */
export async function measure(order: ManyClients, place: Place): Promise<ManyClientsReport> {
  const { encryption, processes, reader } = order;
  const limit = await descriptorLimit();
  const clients = Math.min(order.clients, limit - OWN_DESCRIPTORS);
  const address = { name: "many", directory: place.directory, encryption };
  const manager = await startServerManager({ ...address, maxConnections: clients });
  let refused = 0;
  manager.on("refused", () => refused++);
  echoAll(manager, reader);
  const crowd = await Crowd.start(place, address, processes);
  const idle = countResources();
  const closeAll = async (): Promise<void> => {
    await crowd.call("close");
    await waitUntil("all are gone", () => manager.connections.size === 0 && countResources() <= idle);
  };

  // Code that is loaded and compiled once must not count for a connection.
  await crowd.call("connect", (share) => ({ clients: share(WARM_UP), atOnce: AT_ONCE }));
  await crowd.call("echo", () => ECHOES);
  await closeAll();
  const before = await footprint();

  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const from = performance.now();
  await crowd.call("connect", (share) => ({ clients: share(clients), atOnce: AT_ONCE }));
  const connectSeconds = (performance.now() - from) / 1_000;
  await waitUntil("all are connected", () => manager.connections.size === clients);
  loop.disable();
  const loopMs = {
    p50: loop.percentile(50) / NS_PER_MS,
    p99: loop.percentile(99) / NS_PER_MS,
    max: loop.max / NS_PER_MS,
  };
  const connected = await footprint();
  const echoes = sum(await crowd.call("echo", () => ECHOES));
  const echoed = await footprint();
  await closeAll();
  const after = await footprint();

  await crowd.end();
  await manager.close();
  const figures = { connectSeconds, loopMs, echoes, refused, before, connected, echoed, after };
  return { ...order, clients, descriptorLimit: limit, ...figures };
}

function echoAll(manager: ServerManager, reader: Reader): void {
  switch (reader) {
    case "listener":
      manager.on("message", (connection, message) => void connection.write(message.type, message.data));
      break;
    case "loops":
      // It ends with the connection: a write that was under way then fails.
      manager.on("connection", (connection) => void echo(connection).catch(() => {}));
      break;
  }
}

async function echo(connection: ServerConnection): Promise<void> {
  for await (const message of connection) await connection.write(message.type, message.data);
}

function rowOf(report: ManyClientsReport): (string | number)[] {
  const { clients, encryption, reader, connectSeconds, loopMs, refused, echoes, before, connected, echoed } = report;
  const each = (after: number, first: number): string => kib((after - first) / clients);
  return [
    `${groupDigits(clients)} ${defaultWire(encryption)}, ${reader === "loops" ? "a loop each" : "one listener"}`,
    ...[clients / connectSeconds, [loopMs.p50, loopMs.p99, loopMs.max].map((ms) => ms.toFixed(1)).join(" / ")],
    ...[refused, `${groupDigits(echoes)} of ${groupDigits(ECHOES * clients)}`],
    ...[each(connected.heapUsed, before.heapUsed), each(echoed.heapUsed, before.heapUsed)],
    ...[each(echoed.external, before.external), each(echoed.rss, before.rss)],
  ];
}

function heapOf({ clients, before, connected, echoed }: ManyClientsReport): number {
  return (Math.max(connected.heapUsed, echoed.heapUsed) - before.heapUsed) / clients;
}

function limitOf({ clients, descriptorLimit }: ManyClientsReport): string {
  return `\nThe limit of ${groupDigits(descriptorLimit)} open files (\`ulimit -Hn\`) allowed ${groupDigits(clients)} clients.`;
}
