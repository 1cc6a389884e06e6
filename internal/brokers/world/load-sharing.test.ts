import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Client, startClient } from "@ipc/client";
import { type RpcError, rpc } from "@ipc/rpc";
import { nats } from "@ipc/transport-nats";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, describeWithBroker, startBroker } from "../../../packages/transport-nats/test/with-broker.js";
import { eventually } from "../../testkit/src/eventually.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { orders } from "../src/machine.js";
import { Machine } from "./machine.js";

const CLIENTS = 300;
const HEARTBEAT = { heartbeatMs: 1_000 };

describeWithBroker("three servers of one name, each a process", (natsServer) => {
  test(`share ${CLIENTS} clients: while one drains and one is killed no idempotent call fails, and the others fail with a true \`executed\``, async () => {
    const { url } = await startBroker(natsServer);
    const directory = temporaryDirectory();
    const psk = randomBytes(32);
    const start = (id: string): Promise<Machine> =>
      Machine.start({
        ...{ role: "server", id, servers: url, psk: psk.toString("hex"), log: join(directory, id) },
        ...{ transport: HEARTBEAT, answers: "calls" },
      });
    const servers = await Promise.all(["s0", "s1", "s2"].map(start));
    const [draining, killed, staying] = servers as [Machine, Machine, Machine];
    const transport = nats(await connectTo(url), HEARTBEAT);
    const clients: Client[] = [];
    while (clients.length < CLIENTS)
      clients.push(
        ...(await Promise.all(
          Array.from({ length: 20 }, () => startClient({ name: "orders", transport, security: { psk } })),
        )),
      );
    onTestFinished(() => Promise.all(clients.map((client) => client.close())).then(() => {}));

    const answers = new Map<string, number>();
    const paid: string[] = [];
    const failed: { readonly order: string; readonly executed: RpcError["executed"] }[] = [];
    let isOver = false;
    const working = clients.map(async (client, index) => {
      const api = rpc(client).remote(orders);
      for (let number = 0; !isOver; number++) {
        const server = await api.price("");
        answers.set(server, (answers.get(server) ?? 0) + 1);
        const order = `${index}-${number}`;
        try {
          await api.pay(order);
          paid.push(order);
        } catch (error) {
          const { executed } = error as Partial<RpcError>;
          if (executed === undefined) throw error;
          failed.push({ order, executed });
        }
      }
    });
    const progress = async (): Promise<void> => {
      const before = paid.length;
      await eventually(() => expect(paid.length).toBeGreaterThan(before + 3 * CLIENTS));
    };
    await progress();
    expect([...answers.keys()].sort()).toEqual(["s0", "s1", "s2"]);
    const drained = draining.end();
    await progress();
    await killed.kill();
    await drained;
    answers.clear();
    await progress();
    expect([...answers.keys()]).toEqual([staying.id]);
    isOver = true;
    await Promise.all(working);

    const taken = servers.flatMap((server) => server.taken);
    const ran = new Set(taken);
    expect(ran.size).toBe(taken.length);
    expect(paid.filter((order) => !ran.has(order))).toEqual([]);
    expect(failed.filter(({ order, executed }) => executed === "no" && ran.has(order))).toEqual([]);
    for (const { executed } of failed) expect(["no", "maybe"]).toContain(executed);
    expect(ran.size).toBe(paid.length + failed.filter(({ order }) => ran.has(order)).length);
  });
});
