import { startServer } from "@ipc/server";
import { exampleOptions } from "@ipc-internal/example";
import { ANSWER, NAME } from "./conversation.js";

const place = exampleOptions();
const server = await startServer({
  name: NAME,
  // Every client has to prove the file's key, on every transport.
  security: { keyFile: true },
  ...place,
  ...(place.transport === undefined && { unmaskPermissions: true }),
});
// Messages that are on their way are answered first.
process.once("SIGTERM", () => void server.drain().catch(console.error));
console.log(`user ${process.getuid?.()}, listening at ${server.address}, where every user may connect`);

server.on("refused", (error) => console.log(`refused: ${error.code}, ${error.message}`));
server.on("status", (status) => {
  if (status === "Connected") console.log(`let in, its security: ${JSON.stringify(server.security)}`);
  // This example serves one client; a real server would wait for the next one.
  if (status === "Disconnected") void server.close();
});

for await (const message of server) {
  console.log(`received "${message.text()}"`);
  await message.reply(ANSWER, "a secret");
}
