import { randomBytes } from "node:crypto";
import { type Client, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { method, rpc, serve } from "@ipc/rpc";
import { nats } from "@ipc/transport-nats";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, describeWithBroker } from "../../../packages/transport-nats/test/with-broker.js";
import { startCluster } from "./cluster.js";

const CLIENTS = 300;
const orders = { echo: method<{ id: number }, { id: number; server: number }>({ idempotent: true }) };
const security = { psk: randomBytes(32) };

describeWithBroker("a cluster of three brokers", (natsServer) => {
  test(`serves ${CLIENTS} clients of three servers, and no idempotent call fails while a broker and a server are killed`, async () => {
    const brokers = await startCluster(natsServer, 3);
    const urls = brokers.map(({ url }) => url);
    const [, ...survivors] = urls;
    const at = (index: number) => connectTo([urls[index] as string, ...survivors], { noRandomize: true });

    const managers = await Promise.all(
      [0, 1, 2].map(async (server) => {
        const transport = nats(await at(server), { heartbeatMs: 1_000 });
        const manager = await startServerManager({ name: "orders", transport, security });
        onTestFinished(() => manager.close());
        serve(manager, orders, { echo: async ({ id }) => ({ id, server }) });
        return manager;
      }),
    );
    const transports = await Promise.all([0, 1, 2].map(async (index) => nats(await at(index), { heartbeatMs: 1_000 })));
    const clients: Client[] = [];
    for (let index = 0; index < CLIENTS; index++) {
      const transport = transports[index % 3];
      if (transport !== undefined) clients.push(await startClient({ name: "orders", transport, security }));
    }
    onTestFinished(() => Promise.all(clients.map((client) => client.close())).then(() => {}));

    const servers = new Map<number, number>();
    let isOver = false;
    let calls = 0;
    const working = clients.map(async (client) => {
      const api = rpc(client).remote(orders);
      for (let id = 0; !isOver || id < 20; id++) {
        const answer = await api.echo({ id });
        expect(answer.id).toBe(id);
        servers.set(answer.server, (servers.get(answer.server) ?? 0) + 1);
        calls++;
      }
    });
    const until = async (count: number): Promise<void> => {
      while (calls < count) await new Promise((resolve) => setImmediate(resolve));
    };
    await until(3_000);
    expect([...servers.keys()].sort()).toEqual([0, 1, 2]);
    await brokers[0]?.kill("SIGKILL");
    await until(calls + 6_000);
    managers[1]?.destroy();
    await until(calls + 6_000);
    isOver = true;
    await Promise.all(working);
    expect(clients.filter(({ status }) => status !== "Connected")).toEqual([]);
  });
});
