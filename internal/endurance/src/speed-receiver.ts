// Counts one-way messages for speed.ts. usage: speed-receiver.js DIRECTORY WIRE
import { startServer } from "@ipc/server";
import { COUNTED, NAME, REPORT, WIRES, type Wire } from "./speed-conversation.js";

const [directory = "", wire = "secure"] = process.argv.slice(2);
const server = await startServer({ name: NAME, directory, ...WIRES[wire as Wire] });

let count = 0;
server.on("message", (message) => {
  if (message.type === COUNTED) {
    count++;
  } else if (message.type === REPORT) {
    void server.write(REPORT, String(count));
    count = 0;
  }
});
server.on("status", (status) => {
  if (status === "Disconnected") void server.close();
});
