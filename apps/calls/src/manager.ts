import { EventEmitter, once } from "node:events";
import { startServerManager } from "@ipc/manager";
import { serve } from "@ipc/rpc";
import { exampleOptions } from "@ipc-internal/example";
import { NAME, orders, screen } from "./contract.js";

const manager = await startServerManager({ name: NAME, ...exampleOptions() });
const drain = (): void => void manager.drain().catch(console.error);
process.once("SIGTERM", drain);
console.log(`listening at ${manager.address}`);

const reading = new EventEmitter();

serve(manager, orders, {
  get({ id }, call) {
    if (id < 0) call.fail("NOT_FOUND", { id });
    return { id, total: id * 10 };
  },
  async *watch({ above }) {
    let id = 0;
    try {
      for (;;) yield { id: ++id, total: above + id };
    } finally {
      console.log(`watch: the reader has left after ${id < 1_000 ? "fewer than 1 000" : id} items; the generator ends`);
    }
  },
  async upload(_, call) {
    // Until then, the client may send as much as the window of a stream allows, and its generator waits.
    await once(reading, "start");
    let count = 0;
    let sum = 0;
    for await (const order of call.items) {
      count++;
      sum += order.total;
    }
    return { count, sum };
  },
  startReading: () => void reading.emit("start"),
  async report({ title }, call) {
    const answer = await call.rpc.remote(screen).show({ text: `${title} is ready` });
    return `the client of id ${call.caller.id} said: ${answer}`;
  },
  think(_, call) {
    return new Promise((resolve) => {
      call.signal.addEventListener("abort", () => {
        console.log(`think: stopped, because of ${(call.signal.reason as { code: string }).code}`);
        resolve("too late");
      });
    });
  },
});

let clients = 0;
manager.on("disconnection", () => {
  clients++;
  if (clients === 2) drain();
});
