import { startClient } from "@ipc/client";
import { RpcError, rpc } from "@ipc/rpc";
import { join, NAME, orders } from "./place.js";

/** How many each client makes: fewer for a test. */
const { IPC_CALLS = "2000" } = process.env;
const CALLS = Number(IPC_CALLS);
const AT_ONCE = 10;

const { transport, security, leave } = await join();
const client = await startClient({ name: NAME, transport, security });
const api = rpc(client).remote(orders);
const answers = new Map<string, number>();
const lost: string[] = [];
let next = 0;
let isPricing = true;

async function price(): Promise<void> {
  while (next < CALLS) {
    const { server } = await api.price({ id: next++ });
    answers.set(server, (answers.get(server) ?? 0) + 1);
    if (next === CALLS / 4) console.log(`a quarter is done, served by ${server}`);
  }
}

async function pay(): Promise<void> {
  while (isPricing) {
    try {
      await api.pay({ id: 1 });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      lost.push(`${error.code}, executed: ${error.executed}`);
      await client.connected();
    }
  }
}

const paying = pay();
await Promise.all(Array.from({ length: AT_ONCE }, price));
isPricing = false;
await paying;
const counts = [...answers].map(([server, count]) => `${count} by ${server}`).join(", ");
console.log(`price: ${CALLS} of ${CALLS} idempotent calls answered, ${counts}`);
console.log(`pay: ${lost.length === 0 ? "no call was lost" : `lost ${lost.join("; ")}`}`);
await client.close();
await leave();
