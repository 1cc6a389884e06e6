import { startClient } from "@ipc/client";
import { type RpcError, rpc } from "@ipc/rpc";
import { exampleOptions } from "@ipc-internal/example";
import { NAME, type Order, type orders } from "./contract.js";

const client = await startClient({ name: NAME, ...exampleOptions() });
// By its type alone: this program has no code of the contract.
const api = rpc(client).remote<typeof orders>();

let made = 0;
async function* manyOrders(): AsyncGenerator<Order> {
  for (let id = 0; id < 2_000; id++) {
    made++;
    yield { id, total: 1 };
  }
}
const upload = api.upload(undefined, { items: manyOrders() });
// Calls go past the stream. The generator is held back once it makes nothing while one goes to the daemon and back.
let before: number;
do {
  before = made;
  await api.get({ id: 1 });
} while (made > before);
console.log(
  `upload: the daemon reads nothing yet, so the generator stopped at item ${made}; get is answered meanwhile`,
);
await api.startReading();
const { count } = await upload;
console.log(`upload: the daemon has read all ${count} items`);

const abort = new AbortController();
const thinking = api.think(undefined, { signal: abort.signal });
abort.abort();
await thinking.catch((error: RpcError) => console.log(`think, cancelled: ${error.code}, executed: ${error.executed}`));
await api
  .think(undefined, { timeoutMs: 50 })
  .catch((error: RpcError) =>
    console.log(`think, with a deadline of 50 ms: ${error.code}, executed: ${error.executed}`),
  );

await client.close();
console.log("closed");
