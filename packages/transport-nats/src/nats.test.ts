import { randomBytes } from "node:crypto";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { method, rpc, serve } from "@ipc/rpc";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { connectTo, describeWithBroker, startBroker, testWithStop } from "../test/with-broker.js";
import { encodeFrame, FRAME } from "./frame.js";
import { nats } from "./nats.js";
import { acceptSubject } from "./subject.js";

const NAME = { kind: "name" } as const;

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

  test("a dial with an instance reaches that server among others of the name, and another one when it has gone", async () => {
    const { url } = await startBroker(natsServer);
    const [first, second] = ["11".repeat(16), "22".repeat(16)];
    const reached: string[] = [];
    const listen = async (instance: string) =>
      nats(await connectTo(url)).listen("orders", NAME, () => void reached.push(instance), { instance });
    const listeners = [await listen(first), await listen(second)];
    const transport = nats(await connectTo(url), { returnMs: 0 });
    for (let dial = 0; dial < 10; dial++) (await transport.dial("orders", NAME, { instance: second })).destroy();
    expect(reached).toEqual(Array(10).fill(second));
    await listeners[1]?.close();
    (await transport.dial("orders", NAME, { instance: second })).destroy();
    expect(reached.at(-1)).toBe(first);
  });

  test("a dial with an instance waits for that server although another one takes clients, until `returnMs` is over", async () => {
    const { url } = await startBroker(natsServer);
    const [first, second] = ["11".repeat(16), "22".repeat(16)];
    const reached: string[] = [];
    const listen = async (instance: string) =>
      nats(await connectTo(url)).listen("orders", NAME, () => void reached.push(instance), { instance });
    await listen(first);
    const near = await connectTo(url);
    let requests = 0;
    const counting = Object.assign(Object.create(near), {
      publish: (subject: string, payload: Uint8Array, options: { reply: string }) => {
        requests++;
        near.publish(subject, payload, options);
      },
    });
    const dialled = nats(counting, { returnMs: 600_000 }).dial("orders", NAME, { instance: second });
    await eventually(() => expect(requests).toBeGreaterThan(1));
    await listen(second);
    (await dialled).destroy();
    expect(reached).toEqual([second]);

    const abort = new AbortController();
    requests = 0;
    const aborted = nats(counting, { returnMs: 600_000 }).dial("orders", NAME, {
      instance: "33".repeat(16),
      signal: abort.signal,
    });
    await eventually(() => expect(requests).toBeGreaterThan(1));
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: "IPC_ABORTED" });
  });

  test("a dial with an instance whose server takes no more clients does not wait for it", async () => {
    const { url } = await startBroker(natsServer);
    const instance = "44".repeat(16);
    const draining = await connectTo(url);
    draining.subscribe(acceptSubject("orders", instance), {
      callback: (_error, { reply = "" }) =>
        draining.publish(reply, encodeFrame(FRAME.reset, 0), { reply: reply.replace(/c$/, "s") }),
    });
    await draining.flush();
    let reached = 0;
    await nats(await connectTo(url)).listen("orders", NAME, () => void reached++, {});
    const transport = nats(await connectTo(url), { returnMs: 600_000 });
    (await transport.dial("orders", NAME, { instance })).destroy();
    expect(reached).toBe(1);
  });

  testWithStop("a server does not start while the broker is away, or stands still, and says so", async () => {
    const broker = await startBroker(natsServer);
    const transport = nats(await connectTo(broker.url));
    const security = { psk: randomBytes(32) };
    const start = () => startServerManager({ name: "orders", transport, security });
    await broker.kill("SIGSTOP");
    const still = { code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining("not answered within 2000 ms") };
    // On a busy machine the broker goes on for a moment.
    await eventually(() => expect(start().then((each) => each.close())).rejects.toMatchObject(still));
    const abort = new AbortController();
    const aborted = startServerManager({ name: "orders", transport, security, signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: "IPC_ABORTED" });
    await broker.kill("SIGKILL");
    const away = { code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining("has lost its broker") };
    await eventually(() => expect(start()).rejects.toMatchObject(away));
    await broker.start();
    const manager = await eventually(start);
    await manager.close();
  });

  test("a dial fails at once while the broker is away, and for good when the connection is closed", async () => {
    const broker = await startBroker(natsServer);
    const connection = await connectTo(broker.url);
    const transport = nats(connection);
    const dial = () => transport.dial("orders", NAME, {});
    await expect(dial()).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
    await broker.kill("SIGKILL");
    const away = { code: "IPC_TRANSPORT_FAILED", message: expect.stringContaining("has lost its broker") };
    await eventually(() => expect(dial()).rejects.toMatchObject(away));
    await connection.close();
    await expect(dial()).rejects.toMatchObject({ code: "IPC_PEER_GONE" });
  });
});
