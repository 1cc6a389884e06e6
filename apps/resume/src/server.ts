import { startServer } from "@ipc/server";
import { exampleOptions } from "@ipc-internal/example";
import { Count, count, NAME, OPTIONS, TYPE } from "./conversation.js";

const server = await startServer({ name: NAME, ...exampleOptions(), ...OPTIONS });
server.on("resumed", () => resumes++);
server.on("status", (status) => {
  if (status === "Disconnected") void server.close();
});

const heard = new Count();
let resumes = 0;
let isOver = false;
let counting: Promise<number> | undefined;
for await (const message of server) {
  switch (message.type) {
    case TYPE.number:
      // Counts as long as the client does.
      counting ??= count(server, () => isOver);
      heard.take(Number(message.text()));
      break;
    case TYPE.end:
      isOver = true;
      await counting;
      console.log(`heard 1 … ${heard.last} from the client, none twice, none missing; resumed ${resumes} times`);
      break;
    case TYPE.order:
      console.log(`took ${message.text()}`);
      break;
    case TYPE.crash:
      console.log("dies in the middle of its work");
      process.exit();
  }
}
console.log("closed");
