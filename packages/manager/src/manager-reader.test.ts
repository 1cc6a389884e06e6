import type { DataMessage } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { readData } from "../../../internal/testkit/src/peer-watch.js";
import { nextEvent, nextTurn, type Served, send, serve } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";
import type { ServerManager } from "./server-manager.js";

/** Collects the texts of 'message' events from now on. */
function listen(manager: ServerManager): string[] {
  const texts: string[] = [];
  manager.on("message", (_connection, message) => texts.push(message.text()));
  return texts;
}

/** Iterates over so many messages, and returns their texts. */
async function iterate(manager: ServerManager, count: number): Promise<string[]> {
  const texts: string[] = [];
  for await (const { message } of manager) {
    texts.push(message.text());
    if (texts.length === count) break;
  }
  return texts;
}

/** Connects a client that sends a message and closes. */
async function pass({ manager, visit }: Served, text: string): Promise<void> {
  const gone = nextEvent(manager, "disconnection");
  const { client } = await visit();
  await client.write(1, text);
  await client.close();
  await gone;
}

describe("a 'message' listener of a manager", () => {
  it("gets unread messages from the next tick on, then new ones of every connection, with their connection", async () => {
    const { manager, visit } = await serve();
    const first = await visit();
    await send(first, "a", "b");
    const got: [ServerConnection, string][] = [];
    manager.on("message", (connection, message) => got.push([connection, message.text()]));
    expect(got).toEqual([]);
    await nextTurn();
    const second = await visit();
    await send(second, "c");
    await send(first, "d");
    expect(got).toEqual([
      [first.connection, "a"],
      [first.connection, "b"],
      [second.connection, "c"],
      [first.connection, "d"],
    ]);
    expect(manager.stats.unreadBytes).toBe(0);
  });

  it("gets the messages of disconnected clients and of one that disconnects now", async () => {
    const served = await serve();
    await pass(served, "a");
    const texts = listen(served.manager);
    await pass(served, "b");
    await nextTurn();
    expect(texts).toEqual(["a", "b"]);
  });

  it("leaves messages unread for the next consumer when it is removed, after `once` or by `off`", async () => {
    const { manager, visit } = await serve();
    const [first, second] = [await visit(), await visit()];
    await send(first, "1a", "1b", "1c");
    await send(second, "2a", "2b");
    const [connection, message] = await nextEvent(manager, "message");
    expect([connection, message.text()]).toEqual([first.connection, "1a"]);
    const texts: string[] = [];
    const listener = (_connection: ServerConnection, message: DataMessage): void => {
      texts.push(message.text());
      manager.off("message", listener);
    };
    manager.on("message", listener);
    await nextTurn();
    expect(texts).toEqual(["1b"]);
    expect((await readData(first.connection)).text()).toBe("1c");
    expect((await iterate(manager, 2)).sort()).toEqual(["2a", "2b"]);
  });

  it("gets nothing of a paused connection and everything of the others, then the rest in order", async () => {
    const { manager, visit } = await serve();
    const [paused, other] = [await visit(), await visit()];
    const texts = listen(manager);
    manager.on("message", (connection, message) => {
      if (message.text() === "b") connection.pause();
    });
    await send(paused, "a", "b", "c", "d");
    await send(other, "e");
    expect(texts).toEqual(["a", "b", "e"]);
    paused.connection.resume();
    await nextTurn();
    expect(texts).toEqual(["a", "b", "e", "c", "d"]);
  });

  it("leaves the messages of a paused connection unread when the manager closes", async () => {
    const { manager, visit } = await serve();
    const paused = await visit();
    paused.connection.pause();
    const texts = listen(manager);
    await send(paused, "a", "b");
    await manager.close();
    paused.connection.resume();
    await nextTurn();
    expect(texts).toEqual([]);
    expect(await iterate(manager, 2)).toEqual(["a", "b"]);
  });

  it("gets nothing more of a connection that it destroys, and everything of the others", async () => {
    const { manager, visit } = await serve();
    const [first, second] = [await visit(), await visit()];
    await send(first, "1a", "1b");
    await send(second, "2a", "2b");
    const texts = listen(manager);
    manager.once("message", (connection) => connection.destroy());
    await nextTurn();
    expect(texts).toEqual(["1a", "2a", "2b"]);
    expect([manager.connections.size, manager.stats.unreadBytes]).toEqual([1, 0]);
  });

  it.each(["close", "destroy"] as const)("gets nothing after 'close' when it calls %s of the manager", async (end) => {
    const { manager, visit } = await serve();
    const { client } = await visit();
    const texts = listen(manager);
    const closed = nextEvent(manager, "close").then(() => texts.push("close"));
    manager.once("message", () => void manager[end]());
    for (const text of ["a", "b", "c"]) void client.write(1, text);
    await closed;
    await nextTurn();
    expect(texts).toEqual(["a", "close"]);
  });
});

describe("an iteration over a manager", () => {
  it("yields the messages of all connections, those of each in order", async () => {
    const { manager, visit } = await serve();
    const visits = [await visit(), await visit(), await visit()];
    const seen = new Map<ServerConnection, string[]>(visits.map(({ connection }) => [connection, []]));
    const wanted = Array.from({ length: 200 }, (_, index) => `${index}`);
    for (const { client } of visits) for (const text of wanted) void client.write(1, text);
    let count = 0;
    for await (const { connection, message } of manager) {
      seen.get(connection)?.push(message.text());
      count++;
      if (count === 600) break;
    }
    expect([...seen.values()]).toEqual([wanted, wanted, wanted]);
  });

  it("delays a message by at most one of each other connection, however many those send", async () => {
    const { manager, visit } = await serve({ maxUnreadBytes: 10_000_000 });
    const [flood, single] = [await visit(), await visit()];
    for (let index = 0; index < 10_000; index++) void flood.client.write(1, `${index}`);
    await eventually(() => expect(flood.connection.stats.messagesReceived).toBe(10_000));
    await send(single, "one");
    expect(await iterate(manager, 2)).toContain("one");
    const iterator = manager[Symbol.asyncIterator]();
    for (let index = 0; index < 100; index++) await iterator.next();
    await send(single, "two");
    const next = [await iterator.next(), await iterator.next()].map(({ value }) => value?.message.text());
    expect(next).toContain("two");
  });

  it("loses nothing by break: another loop continues, and so does a poll", async () => {
    const { manager, visit } = await serve();
    await send(await visit(), "a", "b", "c", "d");
    expect(await iterate(manager, 2)).toEqual(["a", "b"]);
    expect(await iterate(manager, 1)).toEqual(["c"]);
    const polled: string[] = [];
    await manager.read((_connection, message) => {
      polled.push(message.kind === "data" ? message.text() : message.kind);
    });
    expect([polled, manager.stats.unreadBytes]).toEqual([["d"], 0]);
  });

  it("yields the messages of clients that disconnected before it began, and of later ones", async () => {
    const served = await serve();
    await pass(served, "a");
    await pass(served, "b");
    expect(served.manager.stats).toMatchObject({ connections: 0, unreadBytes: 322 });
    const texts = iterate(served.manager, 4);
    await pass(served, "c");
    await pass(served, "d");
    expect(await texts).toEqual(["a", "b", "c", "d"]);
    expect(served.manager.stats.unreadBytes).toBe(0);
  });

  it("is done after a close, when nothing is unread any more", async () => {
    const { manager, visit } = await serve();
    await send(await visit(), "a", "b");
    const iterator = manager[Symbol.asyncIterator]();
    await iterator.next();
    await manager.close();
    expect((await iterator.next()).value?.message.text()).toBe("b");
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("continues after the messages of a paused connection, and yields them after resume", async () => {
    const { manager, visit } = await serve();
    const [paused, other] = [await visit(), await visit()];
    paused.connection.pause();
    const texts = iterate(manager, 4);
    await send(paused, "1a", "1b");
    await send(other, "2a", "2b");
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    const gone = nextEvent(manager, "disconnection");
    await paused.client.close();
    await gone;
    paused.connection.resume();
    expect(await texts).toEqual(["2a", "2b", "1a", "1b"]);
  });

  it.each([1, 5])(
    "yields messages that use up a budget one by one in order, with %i pending calls of next",
    async (calls) => {
      const { manager, visit } = await serve({ maxUnreadBytes: 1_024 });
      const visits = [await visit(), await visit()];
      const wanted = ["a", "b", "c", "d", "e"].map((text) => text.repeat(1_000));
      const seen = new Map<ServerConnection, string[]>(visits.map(({ connection }) => [connection, []]));
      const iterator = manager[Symbol.asyncIterator]();
      const take = async (): Promise<void> => {
        const { value } = await iterator.next();
        if (value !== undefined) seen.get(value.connection)?.push(value.message.text());
      };
      for (const { client } of visits) for (const text of wanted) void client.write(1, text);
      for (let count = 0; count < 10; count += calls) await Promise.all(Array.from({ length: calls }, take));
      expect([...seen.values()]).toEqual([wanted, wanted]);
    },
  );
});
