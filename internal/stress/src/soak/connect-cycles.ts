// Connects, echoes and closes in one process, again and again, and prints what has grown since a fifth of the cycles as one
// line of JSON. usage: node --expose-gc connect-cycles.js CYCLES
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { countResources, type Footprint, footprint, waitUntil } from "./footprint.js";

export interface CycleReport {
  readonly cycles: number;
  readonly echoes: number;
  readonly before: Footprint;
  readonly after: Footprint;
  readonly heapGrowth: number;
}

async function runCycles(cycles: number): Promise<CycleReport> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-cycles-"));
  let echoes = 0;
  let before: Footprint | undefined;
  const idle = countResources();
  const look = async (): Promise<Footprint> => {
    await waitUntil("all handles are closed", () => countResources() <= idle);
    return footprint();
  };
  for (let cycle = 0; cycle < cycles; cycle++) {
    if (cycle === Math.floor(cycles / 5)) before = await look();
    echoes += await cycleOnce(directory, cycle % 2 === 0);
  }
  const after = await look();
  await rmdir(directory);
  before ??= after;
  return { cycles, echoes, before, after, heapGrowth: after.heapUsed - before.heapUsed };
}

/** A server of its own each time, so that listeners are counted too. Returns the echoes that came back right. */
async function cycleOnce(directory: string, encryption: boolean): Promise<number> {
  const name = "cycles";
  const server = await startServer({ name, directory, encryption });
  server.on("message", (message) => void server.write(message.type, message.data));
  const client = await startClient({ name, directory, encryption });
  await client.write(7, "echo");
  for await (const message of client) {
    await client.close();
    await server.close();
    return message.type === 7 && message.text() === "echo" ? 1 : 0;
  }
  return 0;
}

console.log(JSON.stringify(await runCycles(Number(process.argv[2] ?? 1_000))));
