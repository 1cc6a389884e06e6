import { expect, test } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { keepUncaught } from "../../../../internal/testkit/src/uncaught-exceptions.js";
import { bothSides, rejection } from "../../test/both-sides.js";
import { method } from "../contract/method.js";
import { rpc, serve } from "./rpc.js";

const contract = { hello: method<void, string>(), own: method<void, string>() };
const { hello, own } = contract;
const screen = { show: method<string, string>() };

test("serves the manager's methods on a connection on which a listener has made a call before", async () => {
  const { manager, connect } = await bothSides();
  const shown: Promise<string>[] = [];
  manager.on("connection", (connection) => void shown.push(rpc(connection).remote(screen).show("it")));
  serve(manager, { hello }, { hello: () => "hello" });
  const client = await connect();
  serve(client, screen, { show: (what) => `shows ${what}` });
  expect(await rpc(client).remote(contract).hello()).toBe("hello");
  expect(await Promise.all(shown)).toEqual(["shows it"]);
});

test("applies the manager's options to a connection on which a listener has made a call before", async () => {
  const { manager, connect } = await bothSides();
  manager.on("connection", (connection) => void rpc(connection));
  rpc(manager, { maxCalls: 1 });
  let finish: (value: string) => void = () => {};
  serve(
    manager,
    { hello },
    {
      hello: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    },
  );
  const api = rpc(await connect()).remote(contract);
  const first = api.hello();
  expect(await rejection(api.hello())).toMatchObject({ code: "ipc.busy" });
  finish("hello");
  expect(await first).toBe("hello");
});

test("adds the manager's methods to a connection that has methods of its own", async () => {
  const { manager, connect } = await bothSides();
  const api = rpc(await connect()).remote(contract);
  const [connection] = manager.connections.values();
  if (connection === undefined) throw new Error("no connection");
  serve(connection, { own }, { own: () => "of the connection" });
  serve(manager, contract, { hello: () => "of the manager", own: () => "of the manager" });
  expect(await Promise.all([api.own(), api.hello()])).toEqual(["of the connection", "of the manager"]);
  expect(() => serve(connection, { hello }, { hello: () => "" })).toThrow("`hello` is served already");
  expect(rpc(manager).stats).toMatchObject({ handling: 0 });
});

test("throws nothing when a listener has destroyed a connection before", async () => {
  const uncaught = keepUncaught();
  const { manager, connect } = await bothSides();
  let destroyed = 0;
  manager.on("connection", (connection) => {
    if (destroyed++ === 0) connection.destroy();
  });
  serve(manager, { hello }, { hello: () => "hello" });
  const client = await connect({ retryMs: 1 });
  await eventually(async () => expect(await rpc(client).remote(contract).hello()).toBe("hello"));
  expect([destroyed, uncaught]).toEqual([2, []]);
});

test.each([0, 1])("refuses an invalid time limit of `close` with %s connections, and stays open", async (clients) => {
  const { manager, connect } = await bothSides();
  serve(manager, { hello }, { hello: () => "hello" });
  if (clients > 0) await connect();
  const error = await rejection(rpc(manager).close({ timeoutMs: -1 }));
  expect(error).toBeInstanceOf(RangeError);
  expect(error).toMatchObject({ message: expect.stringContaining("close: `timeoutMs` takes milliseconds") });
  expect(
    await rpc(await connect())
      .remote({ hello })
      .hello(),
  ).toBe("hello");
});

test("lets open calls finish after the manager's close, and answers a later client's calls with `ipc.closing`", async () => {
  const { manager, connect } = await bothSides();
  let finish: (value: string) => void = () => {};
  const begun = new Promise<void>((begin) => {
    serve(
      manager,
      { hello },
      {
        hello: () =>
          new Promise((resolve) => {
            finish = resolve;
            begin();
          }),
      },
    );
  });
  const open = rpc(await connect())
    .remote(contract)
    .hello();
  await begun;
  const closed = rpc(manager).close();
  const late = rpc(await connect()).remote(contract);
  expect(await rejection(late.hello())).toMatchObject({ code: "ipc.closing", executed: "no" });
  finish("hello");
  expect(await open).toBe("hello");
  await closed;
});
