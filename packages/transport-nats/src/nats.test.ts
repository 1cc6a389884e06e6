import { randomBytes } from "node:crypto";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { method, rpc, serve } from "@ipc/rpc";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, describeWithBroker, startBroker } from "../test/with-broker.js";
import { nats } from "./nats.js";

describeWithBroker("over a real broker", (natsServer) => {
  test("a client calls a manager in a secure session", async () => {
    const { url } = await startBroker(natsServer);
    const security = { psk: randomBytes(32) };
    const manager = await startServerManager({ name: "orders", transport: nats(await connectTo(url)), security });
    onTestFinished(() => manager.close());
    const orders = { hello: method<string, string>() };
    serve(manager, orders, { hello: async (name) => `hello ${name}` });
    const client = await startClient({ name: "orders", transport: nats(await connectTo(url)), security });
    onTestFinished(() => client.close());
    expect(client.security).toEqual({ mode: "secure", peer: { psk: true } });
    expect(await rpc(client).remote(orders).hello("world")).toBe("hello world");
  });
});
