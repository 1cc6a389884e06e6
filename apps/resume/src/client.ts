import { startClient } from "@ipc/client";
import { exampleOptions } from "@ipc-internal/example";
import { Count, count, NAME, OPTIONS, TYPE } from "./conversation.js";
import { CuttingProxy } from "./cutting-proxy.js";

const RESUMES = 10;

const { directory = "", ...options } = exampleOptions();
const proxy = await CuttingProxy.listen(directory);
const client = await startClient({ name: NAME, ...options, ...OPTIONS, directory: proxy.directory });
console.log(`connected; what a cut costs: ${client.security.resumable ? "nothing" : "messages"}`);

await client.write(TYPE.order, "order 1", { until: "taken" });
console.log("order 1: the server has taken it");
// From here on both sides know the session. A cut in the handshake may leave it to the client alone, which `lost` would tell.
proxy.start();

let resumes = 0;
let sentAgain = 0;
client.on("resumed", (resumed) => {
  resumes++;
  sentAgain += resumed.sentAgain;
});

const counting = count(client, () => resumes >= RESUMES);
const heard = new Count();
for await (const message of client) {
  if (message.type === TYPE.end) break;
  heard.take(Number(message.text()));
}
const last = await counting;
proxy.calm();
console.log(`counted 1 … ${last}; ${proxy.cuts} cuts, ${sentAgain} messages sent again`);
console.log(`heard 1 … ${heard.last} from the server, none twice, none missing`);

await client.write(TYPE.order, "order 2", { until: "taken" });
console.log("order 2: the server has taken it");
const away = new Promise<void>((resolve) =>
  client.on("status", (status) => {
    if (status === "Reconnecting") resolve();
  }),
);
const restarted = new Promise<void>((resolve) => {
  client.on("lost", async (error) => {
    if (error.code !== "IPC_SESSION_LOST") throw error;
    console.log(`${error.code}: ${error.undelivered.length} messages have not arrived, ${error.unconfirmed} may have`);
    for (const { type, data } of error.undelivered) await client.write(type, data, { until: "taken" });
    resolve();
  });
});
await client.write(TYPE.crash, "");
await away;
for (const order of ["order 3", "order 4"]) await client.write(TYPE.order, order);
console.log("order 3, order 4: written while the server is away");
await restarted;
console.log("order 3, order 4: the next server has taken them");

await client.close();
await proxy.close();
console.log("closed");
