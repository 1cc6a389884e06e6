import { startServer } from "@ipc/server";
import { exampleOptions, waitBetweenSteps } from "@ipc-internal/example";
import { ECHO, NAME, PING } from "./conversation.js";

const server = await startServer({ name: NAME, ...exampleOptions() });
// Messages that are on their way are answered first.
process.once("SIGTERM", () => void server.drain().catch(console.error));
console.log(`listening at ${server.address}`);

server.on("status", (status) => {
  console.log(`status: ${status}`);
  // This example serves one client; a real server would wait for the next one.
  if (status === "Disconnected") void server.close();
});

for await (const message of server) {
  if (message.type === ECHO) {
    await message.reply(ECHO, message.data);
  } else {
    console.log(`received type ${message.type}: "${message.text()}"`);
    await waitBetweenSteps();
    await message.reply(PING, "server - PING");
  }
}
console.log(`closed after ${server.stats.messagesReceived} messages received, ${server.stats.messagesSent} sent`);
