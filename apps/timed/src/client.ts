import { startClient, timeoutMessage } from "@ipc/client";
import { exampleOptions } from "@ipc-internal/example";
import { NAME, PONG } from "./conversation.js";

const READ_MS = 100;
const ROUNDS = 3;

const client = await startClient({ name: NAME, ...exampleOptions() });

for (let round = 0; round < ROUNDS; ) {
  const message = await client.readTimed(READ_MS);
  if (message === timeoutMessage) {
    console.log(`nothing within ${READ_MS} ms: free to do something else, no message is lost`);
  } else if (message.kind === "status") {
    console.log(`status: ${message.status}`);
    if (message.status === "Connected") await client.write(PONG, "Message from client - PONG");
  } else if (message.kind === "data") {
    console.log(`received type ${message.type}: "${message.text()}"`);
    round++;
    if (round < ROUNDS) await client.write(PONG, `Message from client - PONG ${round + 1}`);
  }
}
await client.close();
console.log(`status: ${client.status}`);
