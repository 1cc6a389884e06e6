import { setTimeout as sleep } from "node:timers/promises";
import { startServerManager } from "@ipc/manager";
import { serve } from "@ipc/rpc";
import { join, NAME, orders } from "./place.js";

const [server = "a server"] = process.argv.slice(2);
const { transport, security, leave } = await join();
const manager = await startServerManager({ name: NAME, transport, security });

async function answer({ id }: { readonly id: number }) {
  await sleep(5);
  return { total: id * 10, server };
}
serve(manager, orders, { price: answer, pay: answer });
console.log("serving");

process.once("SIGTERM", () => {
  void manager.drain().then(async () => {
    await leave();
    console.log("drained");
  });
});
