// Connects many clients at once, has each echo, lets them stand idle, and measures what a connection costs its server, which
// is this process. usage: node --expose-gc many-clients-server.js
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { countResources, descriptorLimit, type Footprint, footprint, waitUntil } from "../process/footprint.js";
import { serveMeasurement } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { Crowd } from "./crowd.js";

/** Each process starts this many clients at the same moment; the next ones follow as these are connected. */
const AT_ONCE = 250;

/** Descriptors of the server besides its connections: listeners, channels to the crowd, Node's own. */
const OWN_DESCRIPTORS = 200;

const ECHOES = 3;
const WARM_UP = 40;
const NS_PER_MS = 1_000_000;

/** Reads from the connections: a listener of the manager for all of them, or a loop over each. */
type Reader = "listener" | "loops";

export interface ManyClientsReport {
  readonly encryption: boolean;
  readonly reader: Reader;
  /** As ordered, or fewer where `descriptorLimit` allows no more. */
  readonly clients: number;
  readonly descriptorLimit: number;
  readonly processes: number;
  readonly atOnce: number;
  /** From the first start to the last one connected. */
  readonly connectSeconds: number;
  /** Of the server in this time: between two looks of a timer of 1 ms, in milliseconds. */
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

export interface ManyClients {
  readonly clients: number;
  readonly encryption: boolean;
  readonly processes: number;
  readonly reader: Reader;
}

async function measure(
  { encryption, processes, reader, ...wanted }: ManyClients,
  place: Place,
): Promise<ManyClientsReport> {
  const limit = await descriptorLimit();
  const clients = Math.min(wanted.clients, limit - OWN_DESCRIPTORS);
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
  const { messages: echoes } = await crowd.call("echo", () => ECHOES);
  const echoed = await footprint();
  await closeAll();
  const after = await footprint();

  await crowd.end();
  await manager.close();
  return {
    ...{ encryption, reader, clients, descriptorLimit: limit, processes, atOnce: AT_ONCE },
    ...{ connectSeconds, loopMs, echoes, refused },
    ...{ before, connected, echoed, after },
  };
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

serveMeasurement(measure);
