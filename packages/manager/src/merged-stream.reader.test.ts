import { describe, expect, it } from "vitest";
import { failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { collect, isSettled, nextEvent, nextTurn, send, serve } from "../test/served.js";
import type { Delivery } from "./merged-stream.js";
import type { ServerConnection } from "./server-connection.js";

const IGNORE = (): void => {};

/** Reads a hello by itself, and lets go. */
async function greet(connection: ServerConnection): Promise<void> {
  for await (const _ of connection) break;
}

describe("a client that a single reader has released", () => {
  it("is read by the iteration that continues", async () => {
    const { manager, visit } = await serve();
    const greeted = new Promise<void>((resolve) => {
      manager.on("connection", (connection) => void greet(connection).then(resolve));
    });
    const next = manager[Symbol.asyncIterator]().next();
    const there = await visit();
    await send(there, "hello", "more");
    await greeted;
    expect((await next).value?.message.text()).toBe("more");
  });

  it("is read by the listeners again", async () => {
    const { manager, visit } = await serve();
    manager.on("connection", (connection) => void connection.once("message", IGNORE));
    const messages = collect(manager, "message");
    await send(await visit(), "hello", "more", "last");
    await isSettled(nextTurn());
    expect(messages.map(([, message]) => message.text())).toEqual(["more", "last"]);
  });

  it("is read by the next poll, and its later messages by later polls", async () => {
    const { manager, visit } = await serve();
    const there = await visit();
    await send(there, "hello", "a", "b");
    await greet(there.connection);
    const texts: string[] = [];
    const poll = (): Promise<void> =>
      manager.read((_connection, message) => void texts.push(message.kind === "data" ? message.text() : message.kind));
    await poll();
    const gone = nextEvent(manager, "disconnection");
    await there.client.close();
    await gone;
    await nextTurn();
    await poll();
    await poll();
    expect(texts).toEqual(["a", "b", "status"]);
  });

  it("stays with a single reader that continues at once", async () => {
    const { manager, visit } = await serve();
    const messages = collect(manager, "message");
    const read: string[] = [];
    manager.on("connection", (connection) => {
      const readOn = async (): Promise<void> => {
        await greet(connection);
        for await (const message of connection) read.push(message.text());
      };
      readOn().catch(IGNORE);
    });
    await send(await visit(), "hello", "more", "last");
    await isSettled(nextTurn());
    expect([read, messages]).toEqual([["more", "last"], []]);
  });
});

describe("a client that a 'connection' listener begins to read", () => {
  it("is not in the merged stream when the listener uses `read`, also between two reads", async () => {
    const { manager, visit } = await serve();
    const read: string[] = [];
    const readEach = async (connection: ServerConnection): Promise<void> => {
      for (let count = 0; count < 4; count++) {
        const message = await connection.read();
        read.push(message.kind === "data" ? message.text() : message.kind);
        await nextTurn();
      }
    };
    manager.on("connection", (connection) => void readEach(connection));
    const messages = collect(manager, "message");
    await send(await visit(), "a", "b", "c");
    await isSettled(nextTurn());
    expect([read, messages]).toEqual([["status", "a", "b", "c"], []]);
  });
});

describe("a read of all connections that begins while another ends", () => {
  it("includes every client, also when a 'disconnection' listener begins it", async () => {
    const { manager, visit } = await serve();
    const visits = [await visit(), await visit(), await visit()];
    const first = manager[Symbol.asyncIterator]();
    const waiting = first.next();
    const [one] = visits;
    if (one === undefined) return;
    one.connection.pause();
    await send(one, "held back");
    const gone = nextEvent(manager, "disconnection");
    const deliveries: Delivery[] = [];
    one.connection.on("close", () =>
      manager.on("message", (connection, message) => void deliveries.push({ connection, message })),
    );
    await one.client.close();
    await gone;
    await first.return?.();
    await waiting;
    one.connection.resume();
    for (const there of visits.slice(1)) await send(there, "heard");
    await isSettled(nextTurn());
    expect(deliveries.map(({ message }) => message.text()).sort()).toEqual(["heard", "heard", "held back"]);
  });
});

describe("a connection", () => {
  it("is not in the merged stream until its individual reader has released it", async () => {
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
    expect((await manager[Symbol.asyncIterator]().next()).value?.message.text()).toBe("later");
  });

  it("rejects an individual reader with IPC_CONSUMER_TAKEN while it is in the merged stream", async () => {
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
});

it("a second reader of all connections is rejected with IPC_CONSUMER_TAKEN, which names the first and ends nothing", async () => {
  const { manager, visit } = await serve();
  const iterator = manager[Symbol.asyncIterator]();
  const next = iterator.next();
  const rest = ": messages already go to the iteration; use one consumer at a time";
  expect(await failureOf(manager[Symbol.asyncIterator]().next())).toMatchObject({
    code: "IPC_CONSUMER_TAKEN",
    message: `iteration${rest}`,
  });
  expect(() => manager.on("message", () => {})).toThrow(`listener${rest}`);
  for (const what of ["read", "readTimed", "readTimedFastest"] as const) {
    const poll = what === "read" ? manager.read(() => {}) : manager[what](0, () => {});
    expect((await failureOf(poll)).message).toBe(`${what}${rest}`);
  }
  await send(await visit(), "a");
  expect((await next).value?.message.text()).toBe("a");
  await iterator.return?.();
  manager.on("message", () => {});
  expect((await failureOf(manager[Symbol.asyncIterator]().next())).message).toContain("go to the listener");
});
