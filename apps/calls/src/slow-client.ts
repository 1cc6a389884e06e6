import { startClient } from "@ipc/client";
import { type RpcError, rpc } from "@ipc/rpc";
import { exampleOptions } from "@ipc-internal/example";
import { NAME, type Order, type orders } from "./contract.js";

const client = await startClient({ name: NAME, ...exampleOptions() });
// By its type alone: this program has no code of the contract.
const api = rpc(client).remote<typeof orders>();

let made = 0;
let whenGetCameBack = 0;
async function* manyOrders(): AsyncGenerator<Order> {
  for (let id = 0; id < 2_000; id++) {
    made++;
    yield { id, total: 1 };
  }
}
const upload = api.upload(undefined, { items: manyOrders() });
// The daemon reads slowly, and this call passes the stream.
await api.get({ id: 1 });
whenGetCameBack = made;
const { count } = await upload;
console.log(`upload: ${count} items sent; ${whenGetCameBack < count ? "a call went past them" : "no call went past"}`);

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
