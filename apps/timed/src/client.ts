import { startClient, timeoutMessage } from "@ipc/client";
import { exampleOptions } from "@ipc-internal/example";
import { NAME, PONG } from "./conversation.js";

const READ_MS = 100;
const ROUNDS = 3;

const client = await startClient({ name: NAME, ...exampleOptions() });

for (let round = 0, asked = 0; round < ROUNDS; ) {
  const message = await client.readTimed(READ_MS);
  if (message === timeoutMessage) {
    console.log(`nothing within ${READ_MS} ms: free to do something else, no message is lost`);
    if (asked > round) continue;
    asked++;
    await client.write(PONG, `Message from client - PONG${asked === 1 ? "" : ` ${asked}`}`);
  } else if (message.kind === "status") {
    console.log(`status: ${message.status}`);
  } else if (message.kind === "data") {
    console.log(`received type ${message.type}: "${message.text()}"`);
    round++;
  }
}
await client.close();
console.log(`status: ${client.status}`);
