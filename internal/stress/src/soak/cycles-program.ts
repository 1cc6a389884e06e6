// Connects, echoes and closes in one process, again and again. usage: node --expose-gc cycles-program.js
import { startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { countResources, type Footprint, footprint, waitUntil } from "../process/footprint.js";
import { serveMeasurement } from "../process/measurement.js";
import type { Place } from "../process/place.js";

export interface CycleReport {
  readonly echoes: number;
  /** After a fifth of the cycles. */
  readonly before: Footprint;
  readonly after: Footprint;
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

async function play(cycles: number, { directory }: Place): Promise<CycleReport> {
  let echoes = 0;
  const idle = countResources();
  const cycle = async (from: number, to: number): Promise<Footprint> => {
    for (let index = from; index < to; index++) echoes += await cycleOnce(directory, index % 2 === 0);
    await waitUntil("all handles are closed", () => countResources() <= idle);
    return footprint();
  };
  const before = await cycle(0, Math.floor(cycles / 5));
  const after = await cycle(Math.floor(cycles / 5), cycles);
  return { echoes, before, after };
}

serveMeasurement(play);
