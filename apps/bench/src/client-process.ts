// The client's end of a measurement: starts the server's, does what it is ordered, and prints what came of it as one line of
// JSON. usage: node --expose-gc client-process.js ADAPTER ORDER
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { adapterOf } from "./adapter-list.js";
import type { Place } from "./caller.js";
import { encodeOutcome, type MessageOrder, type Outcome } from "./order.js";
import { count } from "./workloads/count.js";
import { crowd } from "./workloads/crowd.js";
import { exchange } from "./workloads/exchange.js";
import { fanIn } from "./workloads/fan-in.js";
import { fullQueue } from "./workloads/full-queue.js";
import { loopDelay } from "./workloads/loop-delay.js";
import { pingInBulk } from "./workloads/ping-in-bulk.js";
import { roundTrips } from "./workloads/round-trips.js";
import { stalledReader } from "./workloads/stalled-reader.js";

/** How long the server's process may take to leave, in milliseconds. */
const EXIT_MS = 5_000;

const SERVER = fileURLToPath(new URL("server-process.js", import.meta.url));

function carryOut(place: Place, order: MessageOrder): Promise<Outcome> {
  switch (order.workload) {
    case "exchange":
      return exchange(place, order);
    case "round trips":
      return roundTrips(place, order);
    case "fan-in":
      return fanIn(place, order);
    case "crowd":
      return crowd(place, order);
    case "stalled reader":
      return stalledReader(place, order);
    case "loop delay":
      return loopDelay(place, order);
    case "ping in bulk":
      return pingInBulk(place, order);
    case "full queue":
      return fullQueue(place, order);
    case "count":
      return count(place, order);
  }
}

const [name = "", text = ""] = process.argv.slice(2);
const order = JSON.parse(text) as MessageOrder;
const many = "clients" in order;
const adapter = await adapterOf(name);
const directory = await mkdtemp(join(tmpdir(), "ipc-bench-"));
const server = fork(SERVER, [name, directory, String(many)], { serialization: "advanced" });
try {
  const died = once(server, "exit").then(([code, signal]) => {
    throw new Error(`the server's process ended with ${signal ?? code}`);
  });
  await Promise.race([once(server, "message"), died]);
  const outcome = await Promise.race([carryOut({ name, adapter, directory, many, server }, order), died]);
  process.stdout.write(encodeOutcome(outcome));
  // Writes still on their way fail when the server goes.
  process.on("unhandledRejection", () => {});
} finally {
  const ended = server.exitCode === null && server.signalCode === null ? once(server, "exit") : undefined;
  // It leaves when it is let go, and is made to when it is too busy for that.
  if (server.connected) server.disconnect();
  const overdue = setTimeout(() => server.kill("SIGKILL"), EXIT_MS);
  await ended;
  clearTimeout(overdue);
  await rm(directory, { recursive: true, force: true });
}
// Exits at once, because clients that dial again would find no server.
process.exit();
