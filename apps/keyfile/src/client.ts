import { startClient } from "@ipc/client";
import { exampleOptions } from "@ipc-internal/example";
import { NAME, QUESTION } from "./conversation.js";

const client = await startClient({
  name: NAME,
  timeoutMs: 10_000,
  security: { keyFile: true },
  ...exampleOptions(),
});
console.log(`user ${process.getuid?.()}, connected, its security: ${JSON.stringify(client.security)}`);
await client.write(QUESTION, "what is it?");
for await (const message of client) {
  console.log(`received "${message.text()}"`);
  break;
}
await client.close();
