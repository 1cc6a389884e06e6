import type { DataMessage } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import {
  collect as collectOf,
  failureOf,
  readData,
  readToEnd,
  readUntil,
} from "../../../internal/testkit/src/peer-watch.js";
import { keepWarnings } from "../../../internal/testkit/src/process-warnings.js";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { keepUncaught } from "../../../internal/testkit/src/uncaught-exceptions.js";
import { collect, name, nextEvent, nextTurn, serve } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";

/** A listener that sends back whatever its client sends. */
const echo = (async (connection: ServerConnection): Promise<void> => {
  for await (const message of connection) await connection.write(message.type, message.data);
}) as (connection: ServerConnection) => void;

describe("a client of a manager", () => {
  it("is emitted by 'connection' and already listed in `connections`, with an id of its own", async () => {
    const { manager, visit } = await serve();
    const sizes: number[] = [];
    const told = collect(manager, "connection");
    manager.on("connection", () => sizes.push(manager.connections.size));
    const visits = [await visit(), await visit(), await visit()];
    const connections = visits.map(({ connection }) => connection);
    expect(told.map(([connection]) => connection)).toEqual(connections);
    expect(connections.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect([...manager.connections]).toEqual(connections.map((connection) => [connection.id, connection]));
    expect(sizes).toEqual([1, 2, 3]);
    for (const connection of connections) {
      expect(connection).toMatchObject({
        status: "Connected",
        statusCode: 3,
        remote: "memory:orders",
        security: { mode: "secure" },
      });
    }
    expect(manager.stats.connections).toBe(3);
  });

  it("is emitted by 'disconnection' once when it disconnects, and no longer listed in `connections`; its id is not reused (golang-ipc: TestServerReconnectMulti, TestServerReconnect2Multi)", async () => {
    const { manager, visit } = await serve();
    const told: unknown[] = [];
    manager.on("disconnection", ({ id, status }, error) => {
      told.push([id, status, error?.code, manager.connections.has(id)]);
    });
    for (const id of [1, 2, 3]) {
      const { client, connection } = await visit();
      expect(connection.id).toBe(id);
      const gone = nextEvent(manager, "disconnection");
      await client.close();
      await gone;
      await connection.close();
      connection.destroy();
    }
    expect(told).toEqual([1, 2, 3].map((id) => [id, "Disconnected", "IPC_PEER_CLOSED", false]));
    expect(manager.stats.connections).toBe(0);
  });

  it.each([
    ["a cut", (raw) => raw.destroy(new Error("cut")), "IPC_CONNECTION_LOST"],
    ["a bad frame", (raw) => raw.write(Buffer.of(0, 0, 0, 1, 0)), "IPC_FRAME_TOO_SHORT"],
    ["an end in the middle of a frame", (raw) => raw.end(plainFrame(1, "half").subarray(0, 9)), "IPC_CONNECTION_LOST"],
  ] as [string, (raw: NodeJS.WritableStream & { destroy(error: Error): unknown }) => void, string][])(
    "is emitted with the error, also to the connection's listeners, when it ends by %s; the others stay connected",
    async (_how, go, code) => {
      const { manager, visit, visitRaw } = await serve({ encryption: false });
      const other = await visit();
      const { raw, connection } = await visitRaw();
      const lost: string[] = [];
      connection.on("lost", (error) => lost.push(error.code));
      const gone = nextEvent(manager, "disconnection");
      raw.stream.write(plainFrame(5, "whole"));
      go(raw.stream as never);
      expect(await gone).toMatchObject([connection, { code }]);
      expect(await readToEnd(connection)).toEqual(["Connected", "whole", "Disconnected", "IPC_CLOSED"]);
      expect(lost).toEqual([code]);
      await other.client.write(1, "still here");
      expect((await readData(other.connection)).text()).toBe("still here");
    },
  );

  it("is emitted without an error when the manager ends it by close or destroy, and the others stay connected", async () => {
    const { manager, visit } = await serve();
    const told = collect(manager, "disconnection");
    const [closed, destroyed, stays] = [await visit(), await visit(), await visit()];
    await closed.connection.write(1, "farewell");
    await closed.connection.close();
    destroyed.connection.destroy();
    expect(told).toEqual([
      [closed.connection, undefined],
      [destroyed.connection, undefined],
    ]);
    expect(await readUntil(closed.client, "Disconnected")).toEqual(["Connected", "farewell", "Disconnected"]);
    expect([...manager.connections.values()]).toEqual([stays.connection]);
  });

  it("gets the messages written to it, and no message written to another client", async () => {
    const { manager, visit } = await serve();
    const visits = [await visit(), await visit(), await visit()];
    for (let count = 0; count < 100; count++) {
      for (const [id, connection] of manager.connections) void connection.write(1, `${id}`);
    }
    await manager.close();
    for (const { client, connection } of visits) {
      const words = await readUntil(client, "Disconnected");
      expect(words.slice(1, -1)).toEqual(new Array(100).fill(`${connection.id}`));
    }
  });
});

describe("the unread messages of a disconnected client", () => {
  it("can be read from its connection: Connected, the messages, Disconnected once, then IPC_CLOSED", async () => {
    const { manager, visit } = await serve();
    const { client, connection } = await visit();
    for (const text of ["a", "b", "c"]) await client.write(1, text);
    const gone = nextEvent(manager, "disconnection");
    await client.close();
    await gone;
    expect(manager.connections.size).toBe(0);
    expect(await readToEnd(connection)).toEqual(["Connected", "a", "b", "c", "Disconnected", "IPC_CLOSED"]);
    expect(await failureOf(connection.read())).toMatchObject({ code: "IPC_CLOSED" });
    expect(await failureOf(connection.write(1, ""))).toMatchObject({ code: "IPC_CLOSED" });
    expect(manager.stats.unreadBytes).toBe(0);
  });

  it("can be iterated, and the iteration ends without an error", async () => {
    const { manager, visit } = await serve();
    const { client, connection } = await visit();
    for (const text of ["a", "b"]) await client.write(1, text);
    const gone = nextEvent(manager, "disconnection");
    await client.close();
    await gone;
    const texts: string[] = [];
    for await (const message of connection) texts.push(message.text());
    expect(texts).toEqual(["a", "b"]);
  });
});

describe("an async listener of 'connection' with a loop over it", () => {
  it("serves each client singly, from its first message on", async () => {
    const { manager, visit } = await serve();
    manager.on("connection", echo);
    const clients = [];
    for (let count = 0; count < 5; count++) clients.push((await visit()).client);
    await Promise.all(
      clients.map(async (client, index) => {
        for (let round = 0; round < 100; round++) {
          await client.write(index + 1, `${index} ${round}`);
          expect(await readData(client)).toMatchObject({ type: index + 1 });
        }
      }),
    );
  });

  it("does not end the process when it rejects because its client was lost, and the others are served", async () => {
    const caught = keepUncaught();
    const { manager, visit, visitRaw } = await serve({ encryption: false, maxQueuedBytes: 1_024 });
    manager.on("connection", echo);
    const { raw } = await visitRaw();
    raw.stream.pause();
    const gone = nextEvent(manager, "disconnection");
    // More than is accepted from it and sent to it: the loop stands in a write when the cut comes.
    for (let count = 0; count < 50; count++) raw.stream.write(plainFrame(1, "x".repeat(60_000)));
    await eventually(() => expect(manager.stats.queuedBytes).toBeGreaterThan(1_024));
    raw.stream.destroy(new Error("cut"));
    expect(await gone).toMatchObject([{}, { code: "IPC_CONNECTION_LOST" }]);
    const { client } = await visit();
    await client.write(1, "still here");
    expect((await readData(client)).text()).toBe("still here");
    await nextTurn();
    expect(caught).toEqual([]);
  });

  it.each([
    ["bad JSON", "{no json", { name: "SyntaxError" }],
    ["a request for an answer over maxMessageSize", '{"bytes":2000}', { code: "IPC_MESSAGE_TOO_LARGE" }],
  ])(
    "ends its connection with the cause when it fails with %s, and the others are served",
    async (_what, text, cause) => {
      const [caught, warnings] = [keepUncaught(), keepWarnings()];
      const { manager, visit } = await serve({ maxMessageSize: 1_024 });
      manager.on("connection", async (connection) => {
        for await (const message of connection) {
          const { bytes } = message.json() as { readonly bytes: number };
          await message.reply(2, new Uint8Array(bytes));
        }
      });
      const [bad, good] = [await visit(), await visit()];
      const [lost, ended] = [collectOf(bad.client, "lost"), nextEvent(manager, "disconnection")];
      await bad.client.write(1, text);
      expect(await ended).toMatchObject([{ id: bad.connection.id }, { code: "IPC_LISTENER_FAILED", cause }]);
      await eventually(() => expect(lost).toMatchObject([{ code: "IPC_CONNECTION_LOST" }]));
      await good.client.write(1, '{"bytes":3}');
      expect((await readData(good.client)).data).toEqual(new Uint8Array(3));
      expect(warnings).toMatchObject([[expect.any(String), { code: "IPC_LISTENER_FAILED" }]]);
      expect(caught).toEqual([]);
    },
  );

  it("serves other clients while the loop of one client stands still", async () => {
    const { manager, visit } = await serve({ maxUnreadBytes: 16_384 });
    const seen: string[] = [];
    manager.once("connection", (async (connection: ServerConnection) => {
      for await (const message of connection) {
        seen.push(message.text());
        await new Promise(() => {});
      }
    }) as (connection: ServerConnection) => void);
    const stalled = await visit();
    for (let count = 0; count < 200; count++) void stalled.client.write(1, `${count}`.padEnd(1_000));
    await eventually(() => expect(stalled.connection.stats.unreadBytes).toBeGreaterThanOrEqual(16_384));
    manager.on("connection", echo);
    const { client } = await visit();
    for (let round = 0; round < 50; round++) {
      await client.write(1, "x".repeat(10_000));
      await readData(client);
    }
    expect(seen.length).toBe(1);
  });
});

describe("maxConnections", () => {
  it("rejects the next client with IPC_SERVER_BUSY, and admits one again when another disconnects (golang-ipc: row 26)", async () => {
    const { manager, transport, visit } = await serve({ maxConnections: 2 });
    const refused = collect(manager, "refused");
    const [first, second] = [await visit(), await visit()];
    expect(await failureOf(openFarClient(transport, name))).toMatchObject({ code: "IPC_SERVER_BUSY" });
    expect(refused).toMatchObject([
      [{ code: "IPC_SERVER_BUSY", message: expect.stringContaining("`maxConnections`") }],
    ]);
    let gone = nextEvent(manager, "disconnection");
    first.client.destroy();
    await gone;
    await visit();
    expect(await failureOf(openFarClient(transport, name))).toMatchObject({ code: "IPC_SERVER_BUSY" });
    gone = nextEvent(manager, "disconnection");
    await second.connection.close();
    await gone;
    await visit();
    expect([manager.connections.size, refused.length]).toEqual([2, 2]);
  });

  it("also limits clients that connect at the same time", async () => {
    const { manager, transport } = await serve({ maxConnections: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => openFarClient(transport, name)));
    await eventually(() => expect(manager.connections.size).toBe(3));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "IPC_SERVER_BUSY" });
    }
  });
});

describe("authorize", () => {
  it("decides about each client, and reports a rejected one by 'refused' only", async () => {
    let decision = false;
    const { manager, transport, visit } = await serve({ authorize: () => decision });
    const connections = collect(manager, "connection");
    const refused = nextEvent(manager, "refused");
    const client = openFarClient(transport, name).then((session) => readToEnd(session));
    expect(await refused).toMatchObject([{ code: "IPC_NOT_AUTHORIZED" }]);
    await client.catch(() => {});
    expect(connections).toEqual([]);
    decision = true;
    await visit();
    expect(connections.length).toBe(1);
  });
});

describe("a message listener of one connection", () => {
  it("removes the messages of that connection from the manager's", async () => {
    const { manager, visit } = await serve();
    const [single, other] = [await visit(), await visit()];
    const mine: string[] = [];
    single.connection.on("message", (message: DataMessage) => mine.push(message.text()));
    const all = collect(manager, "message");
    await single.client.write(1, "mine");
    await other.client.write(1, "for all");
    await eventually(() => expect([mine.length, all.length]).toEqual([1, 1]));
    expect(all[0]?.[0]).toBe(other.connection);
  });
});
