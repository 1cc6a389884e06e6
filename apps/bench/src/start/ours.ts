// The same with @ipc/client, in a secure session. Argument: the server's name.
import { startClient } from "@ipc/client";

const client = await startClient({ name: process.argv[2] ?? "" });
await client.write(1, "hello");
for await (const message of client) {
  console.log(message.text());
  break;
}
await client.close();
