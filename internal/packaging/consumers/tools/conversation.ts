// A client and a server in one process, for tools that compile it to CommonJS or to ESM.
import { type Client, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";

export async function converse(name: string): Promise<string> {
  const server: Server = await startServer({ name });
  server.on("message", (message) => void server.write(2, `got ${message.text()}`));
  const client: Client = await startClient({ name });
  await client.write(1, "hello");
  const { value: answer } = await client[Symbol.asyncIterator]().next();
  await client.close();
  await server.close();
  return answer?.text() ?? "the end";
}
