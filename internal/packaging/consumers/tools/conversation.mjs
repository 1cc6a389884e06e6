// A server, a client of it, and one that calls it, in one process, in ESM.
import { startClient } from "@ipc/client";
import { method, rpc, serve } from "@ipc/rpc";
import { startServer } from "@ipc/server";

const contract = { echo: method() };

export async function converse(name) {
  const server = await startServer({ name });
  rpc(server, { onMessage: (message) => void server.write(2, `got ${message.text()}`) });
  serve(server, contract, { echo: (text) => text });
  const client = await startClient({ name });
  await client.write(1, "hello");
  const { value: answer } = await client[Symbol.asyncIterator]().next();
  await client.close();
  const caller = await startClient({ name });
  const echoed = await rpc(caller).remote(contract).echo(answer.text());
  await caller.close();
  await server.close();
  return echoed;
}
