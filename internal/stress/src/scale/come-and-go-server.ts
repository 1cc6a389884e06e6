// Lets clients come, echo and go, several at a time, half of them with a listener of their own, and measures what their server,
// which is this process, holds then and after a fifth of them. usage: node --expose-gc come-and-go-server.js
import { readdir } from "node:fs/promises";
import { startServerManager } from "@ipc/manager";
import { countResources, type Footprint, footprint, waitUntil } from "../process/footprint.js";
import { serveMeasurement } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { Crowd } from "./crowd.js";

const PROCESSES = 2;

/** In each process. */
const AT_ONCE = 10;

/** A manager keeps a slot this long after its client has gone; here the timer of that is shorter, so that no run waits for it. */
const SLOT_KEPT_MS = 30_000;
const startTimer = globalThis.setTimeout;
const shorten = (run: () => void, ms?: number): NodeJS.Timeout => startTimer(run, ms === SLOT_KEPT_MS ? 100 : ms);
globalThis.setTimeout = Object.assign(shorten, startTimer);

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
  /** Socket files and any other file beside them. */
  readonly filesBefore: number;
  readonly filesAfter: number;
  /** When the manager was closed, too. */
  readonly filesAtTheEnd: readonly string[];
}

export interface ComeAndGo {
  readonly clients: number;
  readonly encryption: boolean;
}

async function measure({ clients, encryption }: ComeAndGo, place: Place): Promise<ComeAndGoReport> {
  const { directory } = place;
  const address = { name: "visits", directory, encryption };
  const manager = await startServerManager(address);
  manager.on("message", (connection, message) => void connection.write(message.type, message.data));
  const told = { connections: 0, disconnections: 0 };
  manager.on("connection", () => void told.connections++);
  manager.on("disconnection", () => void told.disconnections++);
  const crowd = await Crowd.start(place, address, PROCESSES);

  const idle = countResources();
  const from = performance.now();
  let echoes = 0;
  const visit = async (visits: number): Promise<void> => {
    const { messages } = await crowd.call("visit", (share) => ({ visits: share(visits), atOnce: AT_ONCE }));
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
  return {
    ...{ encryption, clients, atOnce: PROCESSES * AT_ONCE, echoes, ...told, seconds },
    ...{ before, after, heapGrowth: after.heapUsed - before.heapUsed, filesBefore, filesAfter, filesAtTheEnd },
  };
}

serveMeasurement(measure);
