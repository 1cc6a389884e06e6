import { memory, startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { describe, expect, test } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { nextEvent } from "../../../../internal/testkit/src/peer-watch.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { bothSides, rejection } from "../../test/both-sides.js";
import { type FakePeer, fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const FOREVER_MS = 1_000_000;

const contract = {
  wait: method<string, string>(),
  once: method<string, string>({ idempotent: true }),
  give: stream<string, string, string, string>(),
  note: method<string>(),
};
const screen = { confirm: method<string, string>() };

/** Handlers that wait until the test lets them go on. */
function held() {
  const log: string[] = [];
  const open: (() => void)[] = [];
  const begin = (input: string): Promise<string> => {
    log.push(input);
    return new Promise((resolve) => open.push(() => resolve(`${input} is done`)));
  };
  return {
    log,
    release: (): void => {
      for (const finish of open.splice(0)) finish();
    },
    handlers: {
      wait: begin,
      once: begin,
      note: (input: string) => void log.push(input),
      async *give(input: string) {
        yield "first";
        const result = await begin(input);
        yield "last";
        return result;
      },
    },
  };
}

describe.each([
  ["server", "client"],
  ["client", "server"],
] as const)("a draining %s", (drains, other) => {
  function scene(): { near: FakePeer; far: FakePeer; pair: ReturnType<typeof fakePair> } {
    const pair = fakePair();
    return { near: pair[drains], far: pair[other], pair };
  }

  test("stays busy until the calls of the other side have settled, streams too", async () => {
    const { near, far, pair } = scene();
    const { handlers, release } = held();
    serve(near, contract, handlers);
    const api = rpc(far).remote(contract);
    const wait = api.wait("a");
    const give = api.give("b", { items: ["x"] });
    await settle(pair);
    near.drain();
    expect(near.isBusy).toBe(true);
    release();
    await settle(pair);
    expect([await wait, await give, near.isBusy]).toEqual(["a is done", "b is done", false]);
  });

  test("stays busy until its own calls have settled, streams too", async () => {
    const { near, far, pair } = scene();
    const { handlers, release } = held();
    serve(far, contract, handlers);
    const api = rpc(near).remote(contract);
    const wait = api.wait("a");
    const items: string[] = [];
    const loop = (async () => {
      for await (const item of api.give("b", { items: [] })) items.push(item);
    })();
    await settle(pair);
    near.drain();
    expect(near.isBusy).toBe(true);
    release();
    await settle(pair);
    await loop;
    expect([await wait, items, near.isBusy]).toEqual(["a is done", ["first", "last"], false]);
  });

  test("rejects new calls with `ipc.closing`, and still makes calls, because a handler may have to", async () => {
    const { near, far, pair } = scene();
    const { log } = held();
    serve(near, contract, {
      ...held().handlers,
      wait: async (_, call) => call.rpc.remote(screen).confirm("sure?"),
    });
    serve(far, screen, { confirm: () => "sure" });
    near.drain();
    // A frame that was under way when the drain began.
    const id = other === "client" ? 1 : 2;
    near.receive({ kind: KIND.call, id, name: Buffer.from("wait") });
    expect(near.sent.at(-1)).toMatchObject({ kind: KIND.error, id, name: "ipc.closing" });
    expect(log).toEqual([]);
    const confirmed = rpc(near).remote(screen).confirm("sure?");
    await settle(pair);
    expect(await confirmed).toBe("sure");
  });

  test("runs one-way calls that are on their way, because their caller gets no error", async () => {
    const { near } = scene();
    const { handlers, log } = held();
    serve(near, contract, handlers);
    near.drain();
    const id = other === "client" ? 1 : 2;
    near.receive({ kind: KIND.call, flags: 1, id, name: Buffer.from("note"), payload: '"kept"' });
    expect(log).toEqual(["kept"]);
  });

  test("receives no new call: the other side rejects it with `ipc.closing`, and sends nothing", async () => {
    const { near, far, pair } = scene();
    const { handlers } = held();
    serve(near, contract, handlers);
    const api = rpc(far).remote(contract);
    near.drain();
    let pulled = 0;
    const items = {
      *[Symbol.iterator]() {
        yield `${++pulled}`;
      },
    };
    const failures = [api.wait("a"), api.give("b", { items }), api.note("c", { oneWay: true })].map(rejection);
    if (other === "server") failures.push(rejection(api.once("d")));
    await settle(pair);
    for (const failure of failures) {
      expect(await failure).toMatchObject({ name: "CallFailed", code: "ipc.closing", executed: "no" });
    }
    expect([far.sent, pulled, rpc(far).stats.calls, near.isBusy]).toEqual([[], 0, 0, false]);
  });

  test("carries calls again over the next connection", async () => {
    const { near, far, pair } = scene();
    serve(near, contract, { ...held().handlers, wait: () => "new" });
    near.drain();
    near.lose("Disconnected");
    far.lose(far === pair.client ? "Reconnecting" : "Disconnected");
    expect(await rejection(rpc(far).remote(contract).wait("a"))).toMatchObject({
      code: "IPC_CALL_LOST",
      executed: "no",
    });
    const next = fakePair()[drains];
    next.other = far;
    far.other = next;
    serve(next, contract, { ...held().handlers, wait: () => "new" });
    far.reconnect();
    const made = rpc(far).remote(contract).wait("a");
    await settle({ client: far, server: next });
    expect(await made).toBe("new");
  });
});

describe("an idempotent call by a client", () => {
  test("waits for the next connection when it is made during the server's drain", async () => {
    const pair = fakePair();
    const api = rpc(pair.client).remote(contract);
    serve(pair.server, contract, held().handlers);
    pair.server.drain();
    const made = api.once("a");
    await settle(pair);
    expect(pair.client.sent).toEqual([]);
    pair.client.lose("Reconnecting");
    const next = fakePair().server;
    next.other = pair.client;
    pair.client.other = next;
    serve(next, contract, { ...held().handlers, once: () => "from the next server" });
    pair.client.reconnect();
    await settle({ client: pair.client, server: next });
    expect(await made).toBe("from the next server");
  });

  test("rejects with IPC_CLOSED while it waits for a connection when the client drains, because none follows", async () => {
    const pair = fakePair();
    const { client } = pair;
    client.lose("Reconnecting");
    const made = rejection(rpc(client).remote(contract).once("a"));
    await settle(pair);
    expect(client.isBusy).toBe(true);
    client.drain();
    expect(await made).toMatchObject({ code: "IPC_CLOSED", executed: "no" });
    expect(client.isBusy).toBe(false);
  });

  test("rejects with IPC_CALL_LOST when a draining client loses its connection", async () => {
    const { client } = fakePair();
    const made = rejection(rpc(client).remote(contract).once("a"));
    client.drain();
    client.lose("Disconnected");
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(client.isBusy).toBe(false);
  });
});

describe("a drain over sockets", () => {
  test("of a manager waits for the calls of 50 clients and for its own, and ends them in order", async () => {
    const { manager, connect } = await bothSides();
    const { handlers, release, log } = held();
    serve(manager, contract, handlers);
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect({ retry: false })));
    const made = clients.map((client, at) => {
      serve(client, screen, { confirm: (what) => `${what} is fine` });
      const api = rpc(client).remote(contract);
      return at % 2 === 0 ? api.wait(`${at}`) : api.give(`${at}`, { items: [] });
    });
    await eventually(() => expect(log).toHaveLength(50));
    const confirmed = [...manager.connections.values()].map((client) => rpc(client).remote(screen).confirm("all"));
    const told = Promise.all(clients.map((client) => nextEvent(client, "draining")));
    const drained = manager.drain({ timeoutMs: FOREVER_MS });
    await told;
    const late = clients.map((client) => rejection(rpc(client).remote(contract).wait("late")));
    for (const failure of late) expect(await failure).toMatchObject({ code: "ipc.closing", executed: "no" });
    expect(manager.status).toBe("Listening");
    release();
    expect(await Promise.all(made)).toEqual(clients.map((_, at) => `${at} is done`));
    expect(await Promise.all(confirmed)).toEqual(clients.map(() => "all is fine"));
    await drained;
    expect([manager.status, log.length]).toEqual(["Closed", 50]);
  });

  test("of a server lets a client finish its stream, and the client's idempotent call goes to the next server", async () => {
    const transport = memory();
    const start = async (says: string) => {
      const server = untilTestEnds(await startServer({ name: "one", transport }));
      const { handlers, release, log } = held();
      serve(server, contract, { ...handlers, once: () => says });
      return { server, release, log };
    };
    const first = await start("first");
    const client = untilTestEnds(await startClient({ name: "one", transport, retryMs: 1 }));
    const api = rpc(client).remote(contract);
    const items: string[] = [];
    const loop = (async () => {
      for await (const item of api.give("stream", { items: [] })) items.push(item);
    })();
    await eventually(() => expect(first.log).toEqual(["stream"]));
    const told = nextEvent(client, "draining");
    const drained = first.server.drain({ timeoutMs: FOREVER_MS });
    await told;
    const once = api.once("a");
    const second = await start("second");
    first.release();
    await Promise.all([loop, drained]);
    expect([await once, items]).toEqual(["second", ["first", "last"]]);
    expect(second.server.status).toBe("Connected");
  });

  test("of a client waits for its own calls", async () => {
    const { manager, connect } = await bothSides();
    const { handlers, release, log } = held();
    serve(manager, contract, handlers);
    const client = await connect();
    const made = rpc(client).remote(contract).wait("a");
    await eventually(() => expect(log).toEqual(["a"]));
    const told = nextEvent([...manager.connections.values()][0] as never, "draining");
    const drained = client.drain({ timeoutMs: FOREVER_MS });
    await told;
    release();
    await drained;
    expect(await made).toBe("a is done");
  });

  test("ends open calls after `timeoutMs`: the handler's signal fires, and the caller gets executed: maybe", async () => {
    const { manager, connect } = await bothSides();
    const reasons: unknown[] = [];
    serve(manager, contract, {
      ...held().handlers,
      wait: (_, call) =>
        new Promise((resolve) => {
          call.signal.addEventListener("abort", () => {
            reasons.push(call.signal.reason);
            resolve("late");
          });
        }),
    });
    const client = await connect({ retry: false });
    const made = rejection(rpc(client).remote(contract).wait("a"));
    await eventually(() => expect(rpc(manager).stats.handling).toBe(1));
    await manager.drain({ timeoutMs: 0 });
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(reasons).toMatchObject([{ code: "IPC_CLOSED" }]);
  });
});
