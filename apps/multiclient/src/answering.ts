import { setTimeout as sleep } from "node:timers/promises";
import { startClient } from "@ipc/client";
import { exampleOptions, waitBetweenSteps } from "@ipc-internal/example";
import { NAME, PINGS, PONG } from "./conversation.js";

/** Connects as a client of its own id, answers every PING after `thinkMs` milliseconds, and leaves with the last one. */
export async function answerPings(thinkMs: number): Promise<void> {
  const client = await startClient({ name: NAME, multiClient: true, ...exampleOptions() });
  console.log(`client ${client.clientId}, connected to ${client.remote}`);

  let pings = 0;
  let first = 0;
  for await (const message of client) {
    first ||= performance.now();
    console.log(`received type ${message.type}: "${message.text()}"`);
    pings++;
    if (pings === PINGS) break;
    await sleep(thinkMs);
    await waitBetweenSteps();
    await client.write(PONG, `Message from client(${client.clientId}) - PONG`);
  }
  console.log(`had ${PINGS} PINGs within ${(performance.now() - first).toFixed(0)} ms`);
  await client.close();
}
