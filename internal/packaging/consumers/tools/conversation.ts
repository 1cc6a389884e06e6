// A server, a client of it, and one that calls it, in one process, for tools that compile it to CommonJS or to ESM.
import { type Client, startClient } from "@ipc/client";
import { method, rpc, serve } from "@ipc/rpc";
import { type Server, startServer } from "@ipc/server";

const contract = { echo: method<string, string>() };

export async function converse(name: string): Promise<string> {
  const server: Server = await startServer({ name });
  rpc(server, { onMessage: (message) => void server.write(2, `got ${message.text()}`) });
  serve(server, contract, { echo: (text) => text });
  const client: Client = await startClient({ name });
  await client.write(1, "hello");
  const { value: answer } = await client[Symbol.asyncIterator]().next();
  await client.close();
  const caller: Client = await startClient({ name });
  const echoed = await rpc(caller)
    .remote(contract)
    .echo(answer?.text() ?? "the end");
  await caller.close();
  await server.close();
  return echoed;
}
