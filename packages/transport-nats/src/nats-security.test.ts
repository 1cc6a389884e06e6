import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { join } from "node:path";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { method, rpc, serve } from "@ipc/rpc";
import { startServer } from "@ipc/server";
import { expect, onTestFinished, test } from "vitest";
import { readText } from "../../../internal/architecture/src/source-tree.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { connectTo, describeWithBroker, startBroker } from "../test/with-broker.js";
import { nats } from "./nats.js";
import type { NatsConnectionLike } from "./nats-connection.js";

const NAME = { kind: "name" } as const;
const psk = randomBytes(32);
const orders = { hello: method<string, string>() };

/** The broker's configuration as docs/MACHINES.md has it. */
function documentedPermissions(): string {
  const [, config] = /```nats\n([\s\S]*?)```/.exec(readText("docs/MACHINES.md")) ?? [];
  if (config === undefined) throw new Error("docs/MACHINES.md has no configuration of a broker");
  return config;
}

const unconnected: NatsConnectionLike = {
  publish() {},
  subscribe: () => ({ callback() {}, unsubscribe() {}, drain: async () => {} }),
  flush: async () => {},
  async *status() {},
  isClosed: () => false,
  isDraining: () => false,
};

test.each([
  ["no keys", {}],
  ["a secure session demanded, and no keys", { security: { require: true } }],
  ["a key that is not demanded", { security: { psk, require: false } }],
])("a client and a server do not start over a broker with %s", async (_what, options) => {
  const transport = nats(unconnected);
  const message = expect.stringContaining("others pass on this transport's bytes");
  const starts = [startClient, startServer, startServerManager].map((start) =>
    start({ name: "orders", transport, ...options }),
  );
  for (const result of await Promise.allSettled(starts)) {
    expect(result).toMatchObject({ status: "rejected", reason: { constructor: TypeError, message } });
  }
});

test("a client with an identity alone does not start over a broker, because nothing proves the server", async () => {
  const security = { identity: generateKeyPairSync("ed25519").privateKey };
  const starting = startClient({ name: "orders", transport: nats(unconnected), security });
  await expect(starting).rejects.toThrow("`psk`, `trustedPeers` or `keyFile`");
});

test.each([
  [{ user: "a.b" }, TypeError, "`user`"],
  [{ user: "*" }, TypeError, "`user`"],
  [{ heartbeatMs: 99 }, RangeError, "`heartbeatMs`"],
  [{ windowBytes: 65_535 }, RangeError, "`windowBytes`"],
  [{ sharedWindowBytes: -1 }, RangeError, "`sharedWindowBytes`"],
  [{ returnMs: 600_001 }, RangeError, "`returnMs`"],
  [{ allowAnonymous: 1 }, TypeError, "`allowAnonymous`"],
  [{ wait: 1 }, TypeError, "nats() takes the options"],
])("rejects the options %j", (options, kind, message) => {
  expect(() => nats(unconnected, options as object)).toThrow(expect.objectContaining({ constructor: kind }));
  expect(() => nats(unconnected, options as object)).toThrow(message);
});

test("a client with `multiClient` does not start over a broker, where managers give out no ids", async () => {
  const starting = startClient({ name: "orders", transport: nats(unconnected), security: { psk }, multiClient: true });
  await expect(starting).rejects.toThrow("on which managers give out client ids, and at nats:orders they do not");
});

test("rejects what is no connection to a broker", () => {
  expect(() => nats("nats://127.0.0.1" as never)).toThrow("pass `await connect({ servers })`");
});

describeWithBroker("a broker", (natsServer) => {
  test("with the documented permissions lets clients connect, and keeps a client from serving and from another's connections", async () => {
    const { url } = await startBroker(natsServer, { config: documentedPermissions() });
    const as = (user: string) => connectTo(url, { user, pass: `${user}-secret` });
    const [server, alice, bob] = [await as("orders"), await as("alice"), await as("bob")];
    const manager = await startServerManager({ name: "orders", transport: nats(server), security: { psk } });
    onTestFinished(() => manager.close());
    const client = await startClient({ name: "orders", transport: nats(alice, { user: "alice" }), security: { psk } });
    onTestFinished(() => client.close());
    serve(manager, orders, { hello: async (name) => `hello ${name}` });
    expect(await rpc(client).remote(orders).hello("world")).toBe("hello world");

    const denied = { code: "IPC_PERMISSION_DENIED", message: expect.stringContaining("permissions") };
    await expect(nats(bob).listen("orders", NAME, () => {}, {})).rejects.toMatchObject(denied);
    await expect(nats(bob, { user: "alice" }).dial("orders", NAME, {})).rejects.toMatchObject(denied);
    await expect(nats(alice).dial("other", NAME, {})).rejects.toMatchObject(denied);

    const statuses: string[] = [];
    void (async () => {
      for await (const { error } of bob.status()) statuses.push(String(error?.message));
    })();
    for (const direction of ["s", "c"])
      bob.publish(`ipc.v1.orders.c.alice.x.${direction}`, Buffer.from("x"), { reply: "" });
    bob.subscribe("ipc.v1.orders.c.>", { callback: () => {} });
    await bob.flush();
    await bob.flush();
    expect(await rpc(client).remote(orders).hello("again")).toBe("hello again");
    expect(statuses.join()).toMatch(/Publish to "ipc.v1.orders.c.alice.x.s".*Publish to .*x.c".*Subscription to/);
  });

  test("reached by TLS carries a session as one without", async () => {
    const directory = temporaryDirectory();
    const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    const pair = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert];
    execFileSync("openssl", ["req", "-x509", ...pair, ...name], { stdio: "ignore" });
    const { url } = await startBroker(natsServer, { config: `tls { cert_file: "${cert}", key_file: "${key}" }` });
    const tls = { caFile: cert };
    const server = await startServer({
      name: "orders",
      transport: nats(await connectTo(url, { tls })),
      security: { psk },
    });
    onTestFinished(() => server.close());
    const client = await startClient({
      name: "orders",
      transport: nats(await connectTo(url, { tls })),
      security: { psk },
    });
    onTestFinished(() => client.close());
    serve(server, orders, { hello: async (name) => `hello ${name}` });
    expect(await rpc(client).remote(orders).hello("world")).toBe("hello world");
  });
});
