import { setTimeout as sleep } from "node:timers/promises";
import { startServer, timeoutMessage } from "@ipc/server";
import { exampleOptions } from "@ipc-internal/example";
import { NAME, PING } from "./conversation.js";

const READ_MS = 200;
/** Longer than the client's patience for one read: it sees time-outs in between. */
const THINK_MS = 250;

const server = await startServer({ name: NAME, ...exampleOptions() });
// Messages that are on their way are answered first.
process.once("SIGTERM", () => void server.drain().catch(console.error));
console.log(`listening at ${server.address}`);

for (;;) {
  const message = await server.readTimed(READ_MS);
  if (message === timeoutMessage) {
    console.log(`nothing within ${READ_MS} ms (status: ${server.status})`);
  } else if (message.kind === "status") {
    console.log(`status: ${message.status}`);
    // The client has gone, or a drain is over.
    if (message.status === "Disconnected" || message.status === "Closed") break;
  } else if (message.kind === "data") {
    console.log(`received type ${message.type}: "${message.text()}"; thinking for ${THINK_MS} ms`);
    await sleep(THINK_MS);
    await message.reply(PING, "server - PING");
  }
}
await server.close();
