import { startClient } from "@ipc/client";
import { failed, rpc, serve } from "@ipc/rpc";
import { exampleOptions } from "@ipc-internal/example";
import { NAME, orders, screen } from "./contract.js";

const client = await startClient({ name: NAME, ...exampleOptions() });
serve(client, screen, {
  show({ text }) {
    console.log(`show: "${text}"`);
    return "thanks";
  },
});
const api = rpc(client).remote(orders);

console.log(`get: ${JSON.stringify(await api.get({ id: 7 }))}`);
try {
  await api.get({ id: -1 });
} catch (error) {
  if (!failed(error, orders.get)) throw error;
  console.log(`get: ${error.code}, data ${JSON.stringify(error.data)}, executed: ${error.executed}`);
}

let count = 0;
for await (const order of api.watch({ above: 100 })) {
  count++;
  if (count === 3) {
    console.log(`watch: leaves the stream at ${JSON.stringify(order)}`);
    break;
  }
}

console.log(`report: ${await api.report({ title: "the report" })}`);

const many = await Promise.all(Array.from({ length: 1_000 }, (_, id) => api.get({ id })));
console.log(`get: 1 000 calls at once, the last one gave ${JSON.stringify(many.at(-1))}`);

await client.close();
console.log("closed");
