// Lets clients come, echo and go, several at a time, half of them by a slot of their own, and prints what their server holds
// then and what it held after a fifth of them, as one line of JSON. This process is the server.
// usage: node --expose-gc come-and-go.js CLIENTS ENCRYPTION
import { mkdtemp, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServerManager } from "@ipc/manager";
import { Crowd } from "./crowd.js";
import type { Place } from "./crowd-orders.js";
import { countResources, type Footprint, footprint, waitUntil } from "./footprint.js";

const PROCESSES = 2;

/** In each process. */
const AT_ONCE = 10;

export interface ComeAndGoReport {
  readonly encryption: boolean;
  readonly clients: number;
  readonly atOnce: number;
  /** Came back right; each client sends one. */
  readonly echoes: number;
  readonly connections: number;
  readonly disconnections: number;
  readonly seconds: number;
  readonly before: Footprint;
  readonly after: Footprint;
  readonly heapGrowth: number;
  /** Socket files and whatever else lies beside them. */
  readonly filesBefore: number;
  readonly filesAfter: number;
  /** When the manager was closed, too. */
  readonly filesAtTheEnd: readonly string[];
}

async function measure(clients: number, encryption: boolean): Promise<ComeAndGoReport> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-visits-"));
  const place: Place = { name: "visits", directory, encryption };
  const manager = await startServerManager(place);
  manager.on("message", (connection, message) => void connection.write(message.type, message.data));
  const told = { connections: 0, disconnections: 0 };
  manager.on("connection", () => void told.connections++);
  manager.on("disconnection", () => void told.disconnections++);
  const crowd = await Crowd.start(place, PROCESSES);

  const idle = countResources();
  const from = performance.now();
  let echoes = 0;
  const visit = async (visits: number): Promise<void> => {
    const { messages } = await crowd.do((share) => ({ kind: "visit", visits: share(visits), atOnce: AT_ONCE }));
    echoes += messages;
    // Also clients that came for an id only: they are in no list, but they have a socket.
    await waitUntil("all are gone", () => manager.connections.size === 0 && countResources() <= idle);
  };
  await visit(Math.floor(clients / 5));
  const before = await footprint();
  const filesBefore = (await readdir(directory)).length;
  await visit(clients - Math.floor(clients / 5));
  const seconds = (performance.now() - from) / 1_000;
  const after = await footprint();
  const filesAfter = (await readdir(directory)).length;

  await crowd.end();
  await manager.close();
  const filesAtTheEnd = await readdir(directory);
  await rmdir(directory);
  return {
    ...{ encryption, clients, atOnce: PROCESSES * AT_ONCE, echoes, ...told, seconds },
    ...{ before, after, heapGrowth: after.heapUsed - before.heapUsed, filesBefore, filesAfter, filesAtTheEnd },
  };
}

const [clients = "2000", encryption = "true"] = process.argv.slice(2);
console.log(JSON.stringify(await measure(Number(clients), encryption === "true")));
