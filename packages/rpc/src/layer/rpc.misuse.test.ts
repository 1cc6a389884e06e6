import { describe, expect, test } from "vitest";
import { rejection } from "../../test/both-sides.js";
import { FakePeer, fakePair } from "../../test/fake-peer.js";
import { method } from "../contract/method.js";
import { rpc, serve } from "./rpc.js";

const managerOf = () => Object.assign(new FakePeer(), { connections: new Map(), broadcast() {} });

describe("wrong use throws a TypeError or RangeError that names the accepted values:", () => {
  const contract = { get: method<number, string>(), admin: { stop: method() } };
  const handlers = { get: () => "", admin: { stop() {} } };

  test.each<[says: string, use: (pair: ReturnType<typeof fakePair>) => unknown]>([
    [
      "serve: the method `admin.stop` takes a handler, a function, got undefined",
      ({ server }) => serve(server, contract, { get: () => "" } as never),
    ],
    [
      "serve: the method `get` takes a handler, a function, got 7",
      ({ server }) => serve(server, contract, { ...handlers, get: 7 } as never),
    ],
    [
      "serve: the handler `more` is not in the contract",
      ({ server }) => serve(server, contract, { ...handlers, more() {} } as never),
    ],
    [
      "serve: the handler `admin.more` is not in the contract",
      ({ server }) => serve(server, contract, { ...handlers, admin: { stop() {}, more() {} } } as never),
    ],
    [
      "serve: unknown option `uses`; known options: context, use, exposeErrors",
      ({ server }) => serve(server, contract, { uses: [] } as never, handlers),
    ],
    [
      "serve: `use` takes an array of functions",
      ({ server }) => serve(server, contract, { use: [1] } as never, handlers),
    ],
    [
      "serve: `context` takes a function, got 7",
      ({ server }) => serve(server, contract, { context: 7 } as never, handlers),
    ],
    [
      "serve: `contract` takes an object of methods, got null",
      ({ server }) => serve(server, null as never, handlers as never),
    ],
    ["remote: `get` takes a method or a namespace, got 7", ({ client }) => rpc(client).remote({ get: 7 } as never)],
    [
      `remote: the name \`${"x".repeat(40)}…\` has 256 bytes, limit 255`,
      ({ client }) => (rpc(client).remote() as Record<string, unknown>)["x".repeat(256)],
    ],
    [
      "remote: the name `admin",
      // Its length in 16 bits is that of `admin`.
      ({ client }) => (rpc(client).remote() as Record<string, unknown>)[`admin${"x".repeat(65_536)}`],
    ],
    [
      "has 256 bytes, limit 255",
      ({ client }) =>
        (rpc(client).remote() as Record<string, Record<string, unknown>>)["é".repeat(64)]?.[`${"é".repeat(63)}e`],
    ],
    ["rpc: `peer` takes a client, server, manager, connection or session, got an object", () => rpc({} as never)],
    ["rpc: unknown option `max`; known options: maxCalls", ({ client }) => rpc(client, { max: 1 } as never)],
    ["rpc: `maxCalls` takes a whole number, 1 … 1000000, got 0", ({ client }) => rpc(client, { maxCalls: 0 })],
    [
      "rpc: `windowBytes` takes a whole number, 16384 … 16777216, got 1",
      ({ client }) => rpc(client, { windowBytes: 1 }),
    ],
    [
      'rpc: `side` is "server", but this peer is the client of its connection',
      ({ client }) => rpc(client, { side: "server" }),
    ],
    [
      "rpc: `side` is for a session; a manager is the server of its connections",
      () => rpc(managerOf(), { side: "server" }),
    ],
    [
      "remote: a manager has many clients; call one by `rpc(connection).remote(contract)`",
      () => rpc(managerOf()).remote(contract),
    ],
    ["rpc: `onMessage` takes a function, got 1", ({ client }) => rpc(client, { onMessage: 1 } as never)],
    [
      "rpc: `logger` takes an object with the method error, got null",
      ({ client }) => rpc(client, { logger: null } as never),
    ],
  ])("%s", (says, use) => {
    const error = { name: expect.stringMatching(/^(Type|Range)Error$/), message: expect.stringContaining(says) };
    expect(() => use(fakePair())).toThrow(expect.objectContaining(error));
  });

  test.each(["Closing", "Closed", "Error", "Timeout"] as const)(
    "a call over a peer that is %s rejects, and adds no listener",
    async (status) => {
      const { client } = fakePair();
      client.setStatus(status);
      const error = await rejection(rpc(client).remote(contract).get(1));
      expect(error).toMatchObject({ name: "RpcError", executed: "no" });
      expect(client.eventNames()).toEqual([]);
      expect(rpc(client)).toBe(rpc(client));
    },
  );

  test("a method served twice, or options given later", () => {
    const { server } = fakePair();
    serve(server, { get: contract.get }, { get: () => "" });
    expect(() => serve(server, { get: contract.get }, { get: () => "" })).toThrow("`get` is served already");
    expect(() => rpc(server, {})).toThrow("takes options with the first call for a peer only");
    serve(server, { other: method() }, { other() {} });
  });

  test.each<[says: string, options: unknown]>([
    ["get: unknown option `timeout`; known options: signal, timeoutMs", { timeout: 1 }],
    ["get: `timeoutMs` takes milliseconds, 0 … 2147483647, got -1", { timeoutMs: -1 }],
    ['get: `timeoutMs` takes milliseconds, 0 … 2147483647, got "1"', { timeoutMs: "1" }],
    ["get: `signal` takes an AbortSignal, got an object", { signal: {} }],
    ["get: `items` takes an iterable or async iterable, got 7", { items: 7 }],
    ["get: `meta.a` takes a string, got 1", { meta: { a: 1 } }],
    ["get: `meta` takes at most 4096 bytes of JSON", { meta: { a: "x".repeat(5_000) } }],
    ["get: `oneWay` can be combined with `meta` only", { oneWay: true, timeoutMs: 1 }],
    ["get: takes an object of options, got 7", 7],
  ])("a call: %s", async (says, options) => {
    const { client } = fakePair();
    const error = await rejection(
      rpc(client)
        .remote(contract)
        .get(1, options as never),
    );
    expect(error).toMatchObject({ message: expect.stringContaining(says) });
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    expect(client.sent).toEqual([]);
  });

  test.each<[says: string, refused: (peer: FakePeer) => void]>([
    ["is not in the contract", (peer) => serve(peer, contract, { ...handlers, more() {} } as never)],
    ["the method `get` takes a handler, a function, got undefined", (peer) => serve(peer, contract, {} as never)],
    [
      "the method `get` takes a handler, a function, got undefined",
      (peer) => (serve as (...args: unknown[]) => void)(peer, contract),
    ],
    ["takes an object of methods, got 7", (peer) => serve(peer, 7 as never, {} as never)],
    ["unknown option `uses`", (peer) => serve(peer, contract, { uses: [] } as never, handlers)],
  ])("`serve` that says: %s; the peer keeps its messages for another consumer", (says, refused) => {
    const { server } = fakePair();
    expect(() => refused(server)).toThrow(says);
    expect(server.eventNames()).toEqual([]);
    rpc(server, {});
  });

  test("`serve` with a method that is served already adds none of its methods", () => {
    const { server } = fakePair();
    serve(server, { get: contract.get }, { get: () => "" });
    expect(() => serve(server, contract, handlers)).toThrow("`get` is served already");
    serve(server, { admin: contract.admin }, { admin: handlers.admin });
  });

  test.each([-1, Number.NaN, "1", null])("close with timeoutMs %s", async (timeoutMs) => {
    const { client } = fakePair();
    const error = await rejection(rpc(client).close({ timeoutMs: timeoutMs as never }));
    expect(error).toMatchObject({ message: expect.stringContaining("close: `timeoutMs` takes milliseconds") });
  });
});
