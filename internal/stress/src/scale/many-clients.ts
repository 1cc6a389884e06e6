// Connects many clients at once, has each echo, lets them stand idle, and prints what a connection costs its server as one
// line of JSON. This process is the server. usage: node --expose-gc many-clients.js CLIENTS ENCRYPTION [PROCESSES] [listener | loops]
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { Crowd } from "./crowd.js";
import type { Place } from "./crowd-orders.js";
import { countResources, descriptorLimit, type Footprint, footprint, waitUntil } from "./footprint.js";

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
  /** Of the server, meanwhile: between two looks of a timer of 1 ms, in milliseconds. */
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

async function measure(
  wanted: number,
  encryption: boolean,
  processes: number,
  reader: Reader,
): Promise<ManyClientsReport> {
  const limit = await descriptorLimit();
  const clients = Math.min(wanted, limit - OWN_DESCRIPTORS);
  const directory = await mkdtemp(join(tmpdir(), "ipc-many-"));
  const place: Place = { name: "many", directory, encryption };
  const manager = await startServerManager({ ...place, maxConnections: clients });
  let refused = 0;
  manager.on("refused", () => refused++);
  echoAll(manager, reader);
  const crowd = await Crowd.start(place, processes);
  const idle = countResources();
  const dismiss = async (): Promise<void> => {
    await crowd.do(() => ({ kind: "close" }));
    await waitUntil("all are gone", () => manager.connections.size === 0 && countResources() <= idle);
  };

  // What is loaded, compiled and kept once is no connection's.
  await crowd.do((share) => ({ kind: "connect", clients: share(WARM_UP), atOnce: AT_ONCE }));
  await crowd.do(() => ({ kind: "echo", messages: ECHOES }));
  await dismiss();
  const before = await footprint();

  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const from = performance.now();
  await crowd.do((share) => ({ kind: "connect", clients: share(clients), atOnce: AT_ONCE }));
  const connectSeconds = (performance.now() - from) / 1_000;
  await waitUntil("all are connected", () => manager.connections.size === clients);
  loop.disable();
  const loopMs = {
    p50: loop.percentile(50) / NS_PER_MS,
    p99: loop.percentile(99) / NS_PER_MS,
    max: loop.max / NS_PER_MS,
  };
  const connected = await footprint();
  const { messages: echoes } = await crowd.do(() => ({ kind: "echo", messages: ECHOES }));
  const echoed = await footprint();
  await dismiss();
  const after = await footprint();

  await crowd.end();
  await manager.close();
  await rmdir(directory);
  return {
    ...{
      encryption,
      reader,
      clients,
      descriptorLimit: limit,
      processes,
      atOnce: AT_ONCE,
      connectSeconds,
      loopMs,
      echoes,
      refused,
    },
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

const [clients = "1000", encryption = "true", processes = "4", reader = "listener"] = process.argv.slice(2);
const report = await measure(Number(clients), encryption === "true", Number(processes), reader as Reader);
console.log(JSON.stringify(report));
