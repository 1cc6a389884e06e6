// A server, a client of it, and one that calls it, in one process, in CommonJS.
const { startClient } = require("@ipc/client");
const { method, rpc, serve } = require("@ipc/rpc");
const { startServer } = require("@ipc/server");

const contract = { echo: method() };

async function converse(name) {
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

module.exports = { converse };
