// A client and a server in one process, in CommonJS.
const { startClient } = require("@ipc/client");
const { startServer } = require("@ipc/server");

async function converse(name) {
  const server = await startServer({ name });
  server.on("message", (message) => server.write(2, `got ${message.text()}`));
  const client = await startClient({ name });
  await client.write(1, "hello");
  const { value: answer } = await client[Symbol.asyncIterator]().next();
  await client.close();
  await server.close();
  return answer.text();
}

module.exports = { converse };
