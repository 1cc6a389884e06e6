import { describe, expect, test } from "vitest";
import { bothSides, rejection } from "../../test/both-sides.js";
import { method } from "../contract/method.js";
import type { AnyCall } from "../serve/handler-types.js";
import { rpc, serve } from "./rpc.js";

const orders = {
  total: method<{ ids: number[] }, number>(),
  echo: method<unknown, unknown>(),
  fail: method<{ id: number }, void, { NOT_FOUND: { id: number } }>(),
  admin: { whoAmI: method<void, { id: number | undefined; tenant: string | undefined }>() },
  ask: method<string, string>(),
};
const screen = { show: method<{ text: string }, string>() };

describe("a call over a unix socket", () => {
  test("resolves with the handler's result, also in a namespace", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    const client = await connect();
    const api = rpc(client).remote(orders);
    expect(await api.total({ ids: [1, 2, 3] })).toBe(6);
    expect(await api.admin.whoAmI(undefined, { meta: { tenant: "a" } })).toEqual({ id: 1, tenant: "a" });
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["false", false],
    ["text", "é"],
    ["an object", { a: [1, { b: null }] }],
  ])("carries %s in both directions", async (_what, value) => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    expect(
      await rpc(await connect())
        .remote(orders)
        .echo(value),
    ).toEqual(value);
  });

  test("carries bytes as bytes, in more than one record", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    const sent = new Uint8Array(600_000).map((_, at) => at);
    const received = await rpc(await connect())
      .remote(orders)
      .echo(sent);
    expect(received).toBeInstanceOf(Uint8Array);
    expect(Buffer.compare(received as Uint8Array, sent)).toBe(0);
  });

  test("from the server reaches a client, also from within a handler", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    const client = await connect();
    serve(client, screen, { show: ({ text }) => `client shows ${text}` });
    expect(await rpc(client).remote(orders).ask("it")).toBe("client shows it");
    const [connection] = manager.connections.values();
    if (connection === undefined) throw new Error("no connection");
    expect(await rpc(connection).remote(screen).show({ text: "that" })).toBe("client shows that");
  });

  test("gets its own answer when many calls run at once", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    const api = rpc(await connect()).remote(orders);
    const numbers = Array.from({ length: 1_000 }, (_, at) => at);
    expect(await Promise.all(numbers.map((at) => api.total({ ids: [at, 1] })))).toEqual(numbers.map((at) => at + 1));
  });

  test("needs no contract at run time when the compiler knows it", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    const api = rpc(await connect()).remote<typeof orders>();
    expect(await api.total({ ids: [4] })).toBe(4);
    expect(await api.admin.whoAmI()).toEqual({ id: 1, tenant: undefined });
  });

  test("works over a single-client server as over a manager", async () => {
    const { startServer } = await import("@ipc/server");
    const { startClient, memory } = await import("@ipc/client");
    const transport = memory();
    await using server = await startServer({ name: "single", transport });
    serve(server, orders, handlers);
    await using client = await startClient({ name: "single", transport });
    serve(client, screen, { show: () => "shown" });
    expect(
      await rpc(client)
        .remote(orders)
        .total({ ids: [2] }),
    ).toBe(2);
    expect(await rpc(server).remote(screen).show({ text: "" })).toBe("shown");
  });
});

describe("an error in a handler", () => {
  test("reaches the caller with the code and data that the method declares", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    const error = await rejection(
      rpc(await connect())
        .remote(orders)
        .fail({ id: 7 }),
    );
    expect(error).toMatchObject({
      name: "CallFailed",
      code: "NOT_FOUND",
      data: { id: 7 },
      executed: "yes",
      method: "fail",
    });
  });

  test("becomes `ipc.internal` without its message when it is unexpected, and the server logs it", async () => {
    const { manager, connect } = await bothSides();
    const lines: string[] = [];
    rpc(manager, { logger: { error: (line) => void lines.push(line) } });
    const contract = { boom: method() };
    serve(manager, contract, {
      boom: () => {
        throw new Error("the password is 1234");
      },
    });
    const error = await rejection(
      rpc(await connect())
        .remote(contract)
        .boom(),
    );
    expect(error).toMatchObject({ code: "ipc.internal", executed: "yes", data: undefined });
    expect(String(error)).not.toContain("password");
    expect(lines).toEqual([expect.stringContaining("the password is 1234")]);
  });

  test("keeps its message with `exposeErrors` when it is unexpected", async () => {
    const { manager, connect } = await bothSides();
    rpc(manager, { logger: { error() {} } });
    const contract = { boom: method() };
    serve(
      manager,
      contract,
      { exposeErrors: true },
      {
        boom: () => {
          throw new Error("disk full");
        },
      },
    );
    const error = await rejection(
      rpc(await connect())
        .remote(contract)
        .boom(),
    );
    expect(error).toMatchObject({ code: "ipc.internal", message: "boom: ipc.internal: disk full" });
  });

  test("is reported at once when a result cannot be encoded, and leaves other calls running", async () => {
    const { manager, connect } = await bothSides();
    const lines: string[] = [];
    rpc(manager, { logger: { error: (line) => void lines.push(line) } });
    const contract = { cycle: method<void, unknown>(), fine: method<void, string>() };
    serve(manager, contract, { cycle: () => 1n, fine: () => "fine" });
    const api = rpc(await connect()).remote(contract);
    const [cycle, fine] = await Promise.allSettled([api.cycle(), api.fine()]);
    expect(cycle).toMatchObject({ status: "rejected", reason: { code: "ipc.internal", executed: "yes" } });
    expect(fine).toMatchObject({ status: "fulfilled", value: "fine" });
    expect(lines).toEqual([expect.stringContaining("the result cannot be sent")]);
  });

  test("tells the caller that the result exceeds the peer's limit, and the log has the figures", async () => {
    const { manager, connect } = await bothSides({ maxMessageSize: 4_096 });
    const lines: string[] = [];
    rpc(manager, { logger: { error: (line) => void lines.push(line) } });
    const contract = { long: method<number, string>() };
    serve(manager, contract, { long: (length) => "x".repeat(length) });
    const api = rpc(await connect()).remote(contract);
    expect(await rejection(api.long(5_000))).toMatchObject({ code: "ipc.internal", executed: "yes" });
    expect(lines).toEqual([expect.stringMatching(/5014 bytes, limit 4096/)]);
    expect(await api.long(10)).toBe("xxxxxxxxxx");
  });
});

describe("a call with a value that cannot be sent", () => {
  test("rejects with a TypeError that names the method, and sends nothing", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    const client = await connect();
    const api = rpc(client).remote(orders);
    const before = client.stats.messagesSent;
    expect(await rejection(api.echo(1n))).toEqual(
      new TypeError("echo: the input cannot be sent: Do not know how to serialize a BigInt"),
    );
    expect(await rejection(api.echo({ image: Uint8Array.of(1) }))).toMatchObject({
      name: "TypeError",
      message: expect.stringContaining("the bytes at `image`"),
    });
    expect(client.stats.messagesSent).toBe(before);
    expect(rpc(client).stats.calls).toBe(0);
  });

  test("rejects with IPC_MESSAGE_TOO_LARGE when the value exceeds the peer's limit, and is not executed", async () => {
    const { manager, connect } = await bothSides({ maxMessageSize: 4_096 });
    serve(manager, orders, handlers);
    const error = await rejection(
      rpc(await connect())
        .remote(orders)
        .echo("x".repeat(5_000)),
    );
    expect(error).toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE", executed: "no" });
  });
});

describe("a remote object", () => {
  test("is not a promise, and defines neither toJSON nor symbols", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, orders, handlers);
    const client = await connect();
    for (const api of [rpc(client).remote(orders), rpc(client).remote()] as Record<string | symbol, unknown>[]) {
      expect(await api).toBe(api);
      for (const key of ["then", "toJSON", Symbol.iterator, Symbol.toPrimitive]) expect(api[key]).toBeUndefined();
    }
  });

  test("has only the methods of its contract", async () => {
    const { connect } = await bothSides();
    const api = rpc(await connect()).remote(orders) as Record<string, unknown>;
    expect(Object.keys(api).sort()).toEqual(Object.keys(orders).sort());
    expect(api["constructor"]).toBeUndefined();
  });

  test("is the same object each time", async () => {
    const { connect } = await bothSides();
    const client = await connect();
    expect(rpc(client)).toBe(rpc(client));
    expect(rpc(client).remote(orders)).toBe(rpc(client).remote(orders));
  });
});

describe("the RPC layer", () => {
  test("is the only consumer of the peer's messages, and passes those of other types to `onMessage`", async () => {
    const { manager, connect } = await bothSides();
    const received: string[] = [];
    rpc(manager, { onMessage: (message) => void received.push(`${message.type} ${message.text()}`) });
    serve(manager, orders, handlers);
    const client = await connect();
    const api = rpc(client).remote(orders);
    expect(await rejection(client.read())).toMatchObject({ code: "IPC_CONSUMER_TAKEN" });
    await client.write(7, "hello");
    await api.total({ ids: [] });
    expect(received).toEqual(["7 hello"]);
  });

  test("rejects a peer whose messages go to another consumer", async () => {
    const { connect } = await bothSides();
    const client = await connect();
    const reading = client[Symbol.asyncIterator]().next();
    expect(() => rpc(client)).toThrow(expect.objectContaining({ code: "IPC_CONSUMER_TAKEN" }));
    client.destroy();
    await Promise.allSettled([reading]);
  });
});

const handlers = {
  total: ({ ids }: { ids: number[] }) => ids.reduce((sum, id) => sum + id, 0),
  echo: (value: unknown) => value,
  fail: ({ id }: { id: number }, call: { fail(code: "NOT_FOUND", data: { id: number }): never }) =>
    call.fail("NOT_FOUND", { id }),
  admin: {
    whoAmI: (_: undefined, call: Pick<AnyCall, "caller" | "meta">) => ({
      id: call.caller.id,
      tenant: call.meta["tenant"],
    }),
  },
  ask: (text: string, call: Pick<AnyCall, "rpc">) => call.rpc.remote(screen).show({ text }),
};
