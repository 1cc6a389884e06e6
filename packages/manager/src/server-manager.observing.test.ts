import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { memory, type Transport } from "@ipc/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { failureOf, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { keepWarnings } from "../../../internal/testkit/src/process-warnings.js";
import { keepUncaught } from "../../../internal/testkit/src/uncaught-exceptions.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { collect, name, nextEvent, nextTurn, send, serve } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";
import { startServerManager } from "./server-manager.js";

const SECRET = "the-secret-payload";

/** Keeps what is told on the library's channels about servers, until the test is over. */
function watchChannels(): { channel: string; news: Record<string, unknown> }[] {
  const told: { channel: string; news: Record<string, unknown> }[] = [];
  for (const channel of ["ipc:connect", "ipc:disconnect", "ipc:handshake", "ipc:refused"]) {
    const listener = (news: unknown): void => {
      const record = news as Record<string, unknown>;
      if (record["role"] === "server") told.push({ channel, news: record });
    };
    subscribe(channel, listener);
    onTestFinished(() => void unsubscribe(channel, listener));
  }
  return told;
}

describe("node:diagnostics_channel", () => {
  it("gets each connection with its id, each end with its cause, each rejection, and no data", async () => {
    const told = watchChannels();
    const { manager, transport, visit, visitRaw } = await serve({ encryption: false, maxConnections: 2 });
    const { raw } = await visitRaw();
    const second = await visit();
    await send(second, SECRET);
    expect(await failureOf(openFarClient(transport, name, { encryption: false }))).toMatchObject({
      code: "IPC_SERVER_BUSY",
    });
    let gone = nextEvent(manager, "disconnection");
    raw.stream.destroy(new Error("cut"));
    await gone;
    gone = nextEvent(manager, "disconnection");
    await second.client.close();
    await gone;
    const about = { role: "server", name, remote: "memory:orders" };
    const security = { mode: "plain", peer: { psk: false } };
    expect(told.filter(({ channel }) => channel !== "ipc:handshake")).toEqual([
      { channel: "ipc:connect", news: { ...about, id: 1, security } },
      { channel: "ipc:connect", news: { ...about, id: 2, security } },
      { channel: "ipc:refused", news: { ...about, error: expect.objectContaining({ code: "IPC_SERVER_BUSY" }) } },
      {
        channel: "ipc:disconnect",
        news: { ...about, id: 1, error: expect.objectContaining({ code: "IPC_CONNECTION_LOST" }) },
      },
      {
        channel: "ipc:disconnect",
        news: { ...about, id: 2, error: expect.objectContaining({ code: "IPC_PEER_CLOSED" }) },
      },
    ]);
    expect(inspect(told, { depth: 9 })).not.toContain(SECRET);
  });

  it("gets a connection once and before its end, also when a listener ends it at once", async () => {
    const told = watchChannels();
    const { manager, visit } = await serve();
    manager.on("connection", (connection) => connection.destroy());
    const { client } = await visit();
    await readUntil(client, "Disconnected");
    await manager.close();
    expect(told.map(({ channel }) => channel)).toEqual(["ipc:handshake", "ipc:connect", "ipc:disconnect"]);
  });
});

it.each(["name", "manager"] as const)(
  "emits relisted with its address when the %s endpoint listens again",
  async (kind) => {
    const world = memory();
    let relist = (): void => {};
    const transport: Transport = {
      ...world,
      listen(whose, endpoint, onStream, options) {
        if (endpoint.kind === kind) relist = () => options.onRelisted?.();
        return world.listen(whose, endpoint, onStream, options);
      },
    };
    const warn = vi.fn();
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    const manager = untilTestEnds(await startServerManager({ name, transport, logger }));
    const address = world.address(name, { kind });
    const told: unknown[] = [];
    const keep = (news: unknown): void => void told.push(news);
    subscribe("ipc:relisted", keep);
    onTestFinished(() => void unsubscribe("ipc:relisted", keep));
    const relisted = nextEvent(manager, "relisted");
    relist();
    expect(await relisted).toEqual([address]);
    expect(told).toEqual([{ role: "server", name, address }]);
    expect(warn).toHaveBeenCalledWith(`server ${name}: ${address} had vanished; the manager listens there again`);
  },
);

describe("the option logger", () => {
  it("gets each event, and never data or keys", async () => {
    const lines: string[] = [];
    const keep =
      (level: string) =>
      (...given: unknown[]): void =>
        void lines.push(`${level} ${inspect(given, { depth: 9, breakLength: Number.POSITIVE_INFINITY })}`);
    const logger = { debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error") };
    const { manager, transport, visit, visitRaw } = await serve({ logger, encryption: false, maxConnections: 2 });
    const first = await visit();
    await send(first, SECRET);
    await manager.broadcast(1, SECRET);
    const { raw } = await visitRaw();
    await failureOf(openFarClient(transport, name, { encryption: false }));
    let gone = nextEvent(manager, "disconnection");
    raw.stream.destroy(new Error("cut"));
    await gone;
    gone = nextEvent(manager, "disconnection");
    await first.client.close();
    await gone;
    await manager.close();
    const log = lines.join("\n");
    for (const wanted of [
      /info .*server orders: listening at memory:orders/,
      /info .*server orders: client 1, memory:orders connected \(plain: nothing is encrypted\)/,
      /warn .*server orders: client 2, memory:orders: connection cut/,
      /warn .*server orders: refused memory:orders: .*`maxConnections`/,
      /info .*server orders: client 1, memory:orders disconnected/,
    ]) {
      expect(log).toMatch(wanted);
    }
    expect(log).not.toContain(SECRET);
    expect(log).not.toMatch(/Buffer|Uint8Array|KeyObject/);
  });
});

describe("a listener of a manager", () => {
  it("may write at once on 'connection', and the client gets that message first", async () => {
    const { manager, visit } = await serve();
    manager.on("connection", (connection) => void connection.write(1, `you are ${connection.id}`));
    const { client } = await visit();
    expect((await readData(client)).text()).toBe("you are 1");
  });

  it.each(["close", "destroy"] as const)(
    "may %s a client on 'connection': the manager emits 'disconnection' and drops its messages",
    async (end) => {
      const { manager, transport, visit } = await serve();
      const told: string[] = [];
      manager.on("message", (_connection, message) => told.push(message.text()));
      manager.once("connection", (connection) => {
        told.push("connection");
        void connection[end]();
      });
      const gone = nextEvent(manager, "disconnection").then(() => told.push("disconnection"));
      const client = await openFarClient(transport, name);
      void client.write(1, "too late");
      await gone;
      await readUntil(client, "Disconnected");
      await send(await visit(), "next");
      expect(told).toEqual(["connection", "disconnection", "next"]);
    },
  );

  it("ends the connection when it reads singly on 'connection' after another reader has taken all", async () => {
    const warnings = keepWarnings();
    const { manager, visit } = await serve();
    manager.once("connection", (async (connection: ServerConnection) => {
      await nextTurn();
      for await (const _ of connection);
    }) as (connection: ServerConnection) => void);
    collect(manager, "message");
    const ended = nextEvent(manager, "disconnection");
    await visit();
    const cause = { code: "IPC_CONSUMER_TAKEN" };
    expect(await ended).toMatchObject([{}, { code: "IPC_LISTENER_FAILED", cause }]);
    expect(warnings).toMatchObject([[expect.any(String), { code: "IPC_LISTENER_FAILED" }]]);
  });

  it("is logged when it throws on 'disconnection'; the others are called, and the place is freed", async () => {
    const [caught, warnings] = [keepUncaught(), keepWarnings()];
    const { manager, visit } = await serve({ maxConnections: 1 });
    const bug = new Error("bug");
    manager.once("disconnection", () => {
      throw bug;
    });
    const { client } = await visit();
    await client.close();
    while (manager.connections.size > 0) await nextTurn();
    await nextTurn();
    expect(caught).toEqual([]);
    expect(warnings).toMatchObject([[expect.any(String), { code: "IPC_LISTENER_FAILED", detail: bug.stack }]]);
    await visit();
    expect(manager.connections.size).toBe(1);
  });

  it("may broadcast to the remaining clients on 'disconnection'", async () => {
    const { manager, visit } = await serve();
    const [first, second] = [await visit(), await visit()];
    const result = nextEvent(manager, "disconnection").then(([{ id }]) => manager.broadcast(1, `${id} has gone`));
    await first.client.close();
    expect((await result).accepted).toEqual([second.connection]);
    expect((await readData(second.client)).text()).toBe("1 has gone");
  });

  it.each(["connection", "disconnection", "message", "refused", "error", "close"] as const)(
    "of '%s' that is no function is rejected with a TypeError, and a removed one is not called",
    async (event) => {
      const { manager, visit } = await serve();
      expect(() => manager.on(event, {} as never)).toThrow(TypeError);
      expect(() => manager.once(event, undefined as never)).toThrow(TypeError);
      const listener = (): never => {
        throw new Error("taken off");
      };
      manager.on(event, listener).off(event, listener).off(event, listener);
      await send(await visit(), "a");
      await manager.close();
    },
  );
});
