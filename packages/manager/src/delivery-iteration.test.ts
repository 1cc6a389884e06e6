import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { nextEvent, nextTurn, send, serve } from "../test/served.js";
import type { Delivery } from "./merged-stream.js";
import type { ServerManager } from "./server-manager.js";

const word = ({ connection, message }: Delivery): string => `${connection.id} ${message.text()}`;

/** Takes so many deliveries, and leaves. */
async function take(manager: ServerManager, count: number): Promise<string[]> {
  const words: string[] = [];
  if (count === 0) return words;
  for await (const delivery of manager) {
    words.push(word(delivery));
    if (words.length === count) break;
  }
  return words;
}

describe("an iteration over a manager", () => {
  it("gives the messages of all connections with where they came from, each one's in order", async () => {
    const { manager, visit } = await serve();
    const visits = [await visit(), await visit(), await visit()];
    const seen = new Map<number, string[]>(visits.map(({ connection }) => [connection.id, []]));
    const wanted = Array.from({ length: 200 }, (_, index) => `${index}`);
    for (const { client } of visits) for (const text of wanted) void client.write(1, text);
    let count = 0;
    for await (const { connection, message } of manager) {
      seen.get(connection.id)?.push(message.text());
      count++;
      if (count === 600) break;
    }
    expect([...seen.values()]).toEqual([wanted, wanted, wanted]);
  });

  it("alternates: a message waits for at most one of each other connection, however much they send", async () => {
    const { manager, visit } = await serve({ maxUnreadBytes: 10_000_000 });
    const [flood, single] = [await visit(), await visit()];
    for (let index = 0; index < 10_000; index++) void flood.client.write(1, `${index}`);
    await eventually(() => expect(flood.connection.stats.messagesReceived).toBe(10_000));
    await send(single, "one");
    expect(await take(manager, 2)).toContain(`${single.connection.id} one`);
    const iterator = manager[Symbol.asyncIterator]();
    for (let index = 0; index < 100; index++) await iterator.next();
    await send(single, "two");
    const next = [await iterator.next(), await iterator.next()].map(({ value }) => value && word(value));
    expect(next).toContain(`${single.connection.id} two`);
  });

  it("loses nothing by break: another loop goes on where it was left, and so does a poll", async () => {
    const { manager, visit } = await serve();
    const first = await visit();
    await send(first, "a", "b", "c", "d");
    expect(await take(manager, 2)).toEqual(["1 a", "1 b"]);
    expect(await take(manager, 1)).toEqual(["1 c"]);
    const polled: string[] = [];
    await manager.read((_connection, message) => {
      polled.push(message.kind === "data" ? message.text() : message.kind);
    });
    expect(polled).toEqual(["d"]);
    expect(manager.stats.unreadBytes).toBe(0);
  });

  it("that is returned from while it waits ends that wait, and takes no message with it", async () => {
    const { manager, visit } = await serve();
    const iterator = manager[Symbol.asyncIterator]();
    const waits = [iterator.next(), iterator.next()];
    const first = await visit();
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    await send(first, "a");
    expect(await Promise.all(waits)).toEqual(new Array(2).fill({ done: true, value: undefined }));
    expect(await take(manager, 1)).toEqual(["1 a"]);
  });

  it("serves several calls of next in order, whichever client sends", async () => {
    const { manager, visit } = await serve();
    const iterator = manager[Symbol.asyncIterator]();
    const nexts = [iterator.next(), iterator.next(), iterator.next()];
    const [first, second] = [await visit(), await visit()];
    await send(second, "a");
    await send(first, "b");
    await send(second, "c");
    const words = (await Promise.all(nexts)).map(({ value }) => value && word(value));
    expect(words).toEqual(["2 a", "1 b", "2 c"]);
  });

  it("gives messages of later clients, and those of a gone client before it forgets it", async () => {
    const { manager, visit } = await serve();
    const words = take(manager, 3);
    for (let count = 0; count < 3; count++) {
      const gone = nextEvent(manager, "disconnection");
      const { client } = await visit();
      await client.write(1, "brief");
      await client.close();
      await gone;
    }
    expect(await words).toEqual(["1 brief", "2 brief", "3 brief"]);
  });

  it("gives what clients left that had gone before it began", async () => {
    const { manager, visit } = await serve();
    for (const text of ["a", "b"]) {
      const gone = nextEvent(manager, "disconnection");
      const { client } = await visit();
      await client.write(1, text);
      await client.close();
      await gone;
    }
    expect(manager.stats).toMatchObject({ connections: 0, unreadBytes: 322 });
    expect(await take(manager, 2)).toEqual(["1 a", "2 b"]);
    expect(manager.stats.unreadBytes).toBe(0);
  });

  it("ends with a close of the manager, after what is unread, and rejects after a destroy", async () => {
    const { manager, visit } = await serve();
    await send(await visit(), "a", "b");
    const iterator = manager[Symbol.asyncIterator]();
    await iterator.next();
    await manager.close();
    expect((await iterator.next()).value?.message.text()).toBe("b");
    expect(await iterator.next()).toEqual({ done: true, value: undefined });

    const other = await serve();
    const waiting = failureOf(other.manager[Symbol.asyncIterator]().next());
    await nextTurn();
    other.manager.destroy("fire");
    expect(await waiting).toMatchObject({ code: "IPC_CLOSED", cause: "fire" });
  });
});

describe("a connection that an iteration over all does not get", () => {
  it("is one that is read singly, until that one lets go and another iteration begins", async () => {
    const { manager, visit } = await serve();
    const [single, other] = [await visit(), await visit()];
    const iterator = single.connection[Symbol.asyncIterator]();
    const mine = iterator.next();
    const all = manager[Symbol.asyncIterator]();
    const next = all.next();
    await send(single, "mine");
    await send(other, "for all");
    expect((await mine).value?.text()).toBe("mine");
    expect((await next).value?.connection).toBe(other.connection);
    await send(single, "later");
    await iterator.return?.();
    await all.return?.();
    expect(await take(manager, 1)).toEqual([`${single.connection.id} later`]);
  });

  it("is refused to a single reader meanwhile: IPC_CONSUMER_TAKEN", async () => {
    const { manager, visit } = await serve();
    const { client, connection } = await visit();
    const iterator = manager[Symbol.asyncIterator]();
    const next = iterator.next();
    const taken = { code: "IPC_CONSUMER_TAKEN", message: expect.stringContaining("a reader of all connections") };
    expect(await failureOf(connection.read())).toMatchObject(taken);
    expect(await failureOf(connection[Symbol.asyncIterator]().next())).toMatchObject(taken);
    expect(() => connection.on("message", () => {})).toThrow(expect.objectContaining(taken));
    await iterator.return?.();
    await next;
    void client.write(1, "a");
    expect((await readData(connection)).text()).toBe("a");
  });

  it("is one that is paused; it neither spins nor loses, and comes again after resume", async () => {
    const { manager, visit } = await serve();
    const [paused, other] = [await visit(), await visit()];
    paused.connection.pause();
    const words = take(manager, 4);
    await send(paused, "a", "b");
    await send(other, "c", "d");
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    paused.connection.resume();
    expect(await words).toEqual(["2 c", "2 d", "1 a", "1 b"]);
  });

  it("was paused when it went: its messages come after resume", async () => {
    const { manager, visit } = await serve();
    const { client, connection } = await visit();
    connection.pause();
    const words = take(manager, 2);
    const gone = nextEvent(manager, "disconnection");
    await client.write(1, "a");
    await client.write(1, "b");
    await client.close();
    await gone;
    connection.resume();
    expect(await words).toEqual(["1 a", "1 b"]);
  });
});

describe("messages that use up a connection's budget one by one", () => {
  const TEXTS = ["a", "b", "c", "d", "e"].map((text) => text.repeat(1_000));

  it("come in order to an iteration that waited while they were paused", async () => {
    const { manager, visit } = await serve({ maxUnreadBytes: 1_024 });
    const { client, connection } = await visit();
    connection.pause();
    const words = take(manager, TEXTS.length);
    for (const text of TEXTS) void client.write(1, text);
    await eventually(() => expect(connection.stats.messagesReceived).toBe(1));
    connection.resume();
    expect(await words).toEqual(TEXTS.map((text) => `1 ${text}`));
  });

  it("come in order to several calls of next", async () => {
    const { manager, visit } = await serve({ maxUnreadBytes: 1_024 });
    const { client, connection } = await visit();
    connection.pause();
    const iterator = manager[Symbol.asyncIterator]();
    const nexts = TEXTS.map(() => iterator.next());
    for (const text of TEXTS) void client.write(1, text);
    await eventually(() => expect(connection.stats.messagesReceived).toBe(1));
    connection.resume();
    const texts = (await Promise.all(nexts)).map(({ value }) => value?.message.text());
    expect(texts).toEqual(TEXTS);
  });

  it("alternate with those of another connection", async () => {
    // What is left of a chunk comes at once, as no connection has used up its time.
    stopClock();
    const { manager, visit } = await serve({ maxUnreadBytes: 1_024 });
    const visits = [await visit(), await visit()];
    // As many as come in one chunk.
    const texts = TEXTS.slice(0, 3);
    for (const { client } of visits) for (const text of texts) void client.write(1, text);
    for (const { connection } of visits) {
      await eventually(() => expect(connection.stats.messagesReceived).toBe(1));
    }
    const words = await take(manager, 6);
    expect(words).toEqual(texts.flatMap((text) => [`1 ${text}`, `2 ${text}`]));
  });
});

describe("a second reader of all connections", () => {
  it("is refused with IPC_CONSUMER_TAKEN, which names the reader, and harms nothing", async () => {
    const { manager, visit } = await serve();
    const iterator = manager[Symbol.asyncIterator]();
    const next = iterator.next();
    expect(await failureOf(manager[Symbol.asyncIterator]().next())).toMatchObject({
      code: "IPC_CONSUMER_TAKEN",
      message: "iteration: messages already go to the iteration; use one consumer at a time",
    });
    expect(() => manager.on("message", () => {})).toThrow("listener: messages already go to the iteration");
    expect(() => manager.once("message", () => {})).toThrow("listener: messages already go to the iteration");
    for (const what of ["read", "readTimed", "readTimedFastest"] as const) {
      const poll = what === "read" ? manager.read(() => {}) : manager[what](0, () => {});
      expect((await failureOf(poll)).message).toContain(`${what}: messages already go to the iteration`);
    }
    await send(await visit(), "a");
    expect((await next).value?.message.text()).toBe("a");
    await iterator.return?.();
    manager.on("message", () => {});
    expect((await failureOf(manager[Symbol.asyncIterator]().next())).message).toContain("go to the listener");
  });
});
