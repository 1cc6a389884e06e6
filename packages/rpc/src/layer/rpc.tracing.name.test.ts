import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { memory, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { openSession } from "@ipc/session";
import { memoryPair } from "@ipc/transport";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { rejection } from "../../test/both-sides.js";
import { method } from "../contract/method.js";
import type { CallEvent } from "../tracing.js";
import { rpc, serve } from "./rpc.js";

const contract = { get: method<void, string>(), none: method<void, void>() };
const served = { get: contract.get };
const handlers = { get: () => "got" };
const oneWay = { oneWay: true } as const;

describe("the tracing channels name the peer of a call", () => {
  /** The name of each event at its start, by channel and method. */
  let names: Record<string, string>;

  beforeEach(() => {
    names = {};
    for (const channel of ["call", "handle"]) {
      const listener = (message: unknown): void => {
        const { method: called, name } = message as CallEvent;
        names[`${channel} ${called}`] = name;
      };
      subscribe(`tracing:ipc.${channel}:start`, listener);
      onTestFinished(() => void unsubscribe(`tracing:ipc.${channel}:start`, listener));
    }
  });

  test("at a client and a server", async () => {
    const options = { name: "orders", transport: memory() };
    const server = untilTestEnds(await startServer(options));
    const client = untilTestEnds(await startClient(options));
    serve(server, served, handlers);
    expect([client.name, server.name]).toEqual(["orders", "orders"]);
    await rpc(client).remote(contract).get();
    await rejection(rpc(client).remote(contract).none());
    expect(names).toEqual({
      "call get": "orders",
      "call none": "orders",
      "handle get": "orders",
      "handle none": "orders",
    });
  });

  test("at the connections of a manager, in both directions", async () => {
    const options = { name: "orders", transport: memory() };
    const manager = untilTestEnds(await startServerManager(options));
    const client = untilTestEnds(await startClient(options));
    serve(client, served, handlers);
    const [connection] = manager.connections.values();
    expect([manager.name, connection?.name]).toEqual(["orders", "orders"]);
    if (connection === undefined) throw new Error("the client is not connected");
    await rpc(connection).remote(contract).get();
    await rpc(connection).remote(contract).get(undefined, oneWay);
    expect(names).toEqual({ "call get": "orders", "handle get": "orders" });
  });

  test.each([
    ["orders", "orders"],
    [undefined, "stream"],
  ])("at sessions, of name %s", async (name, expected) => {
    const [a, b] = memoryPair();
    const named = name === undefined ? {} : { name };
    const [client, server] = await Promise.all([
      openSession(a, { role: "client", ...named }),
      openSession(b, { role: "server", ...named }),
    ]);
    untilTestEnds(client);
    untilTestEnds(server);
    rpc(server, { side: "server" });
    serve(server, served, handlers);
    await rpc(client, { side: "client" }).remote(contract).get();
    expect(names).toEqual({ "call get": expected, "handle get": expected });
  });
});
