import { randomBytes } from "node:crypto";
import { startClient } from "@ipc/client";
import { type ServerManager, startServerManager } from "@ipc/manager";
import { method, rpc, serve } from "@ipc/rpc";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, describeWithBroker, startBroker } from "../test/with-broker.js";
import { nats } from "./nats.js";

const CLIENTS = 60;
const orders = { which: method<void, number>({ idempotent: true }) };
const security = { psk: randomBytes(32) };

describeWithBroker("three servers of one name", (natsServer) => {
  test("share the clients, and a client of one that drains or ends reaches another without a failed call", async () => {
    const { url } = await startBroker(natsServer);
    const managers: ServerManager[] = [];
    for (const number of [0, 1, 2]) {
      const manager = await startServerManager({ name: "orders", transport: nats(await connectTo(url)), security });
      onTestFinished(() => manager.close());
      serve(manager, orders, { which: async () => number });
      managers.push(manager);
    }
    const transport = nats(await connectTo(url));
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => startClient({ name: "orders", transport, security })),
    );
    onTestFinished(() => Promise.all(clients.map((client) => client.close())).then(() => {}));
    const apis = clients.map((client) => rpc(client).remote(orders));
    const ask = async (): Promise<Set<number>> => new Set(await Promise.all(apis.map((api) => api.which())));

    expect(await ask()).toEqual(new Set([0, 1, 2]));
    const [first, second] = managers as [ServerManager, ServerManager];
    const [answers] = await Promise.all([ask(), first.drain()]);
    expect(answers.size).toBeGreaterThan(1);
    expect(await ask()).toEqual(new Set([1, 2]));
    second.destroy();
    expect(await ask()).toEqual(new Set([2]));
  });
});
