import { setTimeout as sleep } from "node:timers/promises";
import { startClient } from "@ipc/client";
import { exampleOptions, waitBetweenSteps } from "@ipc-internal/example";
import { NAME, PINGS, PONG } from "./conversation.js";

/**
 * Connects, answers every PING after `thinkMs` milliseconds, and leaves with the last one. Over TCP a manager gives out no ids, so
 * this client does not request one.
 */
export async function answerPings(thinkMs: number): Promise<void> {
  const options = exampleOptions();
  const client = await startClient({ name: NAME, multiClient: options.transport === undefined, ...options });
  const self = client.clientId === undefined ? "client" : `client(${client.clientId})`;
  console.log(`${self}, connected to ${client.remote}`);

  let pings = 0;
  let first = 0;
  for await (const message of client) {
    first ||= performance.now();
    console.log(`received type ${message.type}: "${message.text()}"`);
    pings++;
    if (pings === PINGS) break;
    await sleep(thinkMs);
    await waitBetweenSteps();
    await client.write(PONG, `Message from ${self} - PONG`);
  }
  console.log(`had ${PINGS} PINGs within ${(performance.now() - first).toFixed(0)} ms`);
  await client.close();
}
