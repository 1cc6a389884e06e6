import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { readToEnd } from "../../../internal/testkit/src/peer-watch.js";
import { nextEvent, nextTurn, type Served, serve } from "../test/served.js";
import type { ManagerOptions } from "./manager-options.js";
import type { ServerConnection } from "./server-connection.js";

/** The cost of one message of 100 bytes while it is unread. */
const COST = 260;
const TEXT = "x".repeat(100);

/** A manager that keeps its warnings. */
async function serveLogged(options: Partial<ManagerOptions>): Promise<Served & { warnings: string[] }> {
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (...given: unknown[]) => void warnings.push(inspect(given)),
  };
  return { ...(await serve({ logger, ...options })), warnings };
}

/** A client comes, sends so many messages, and goes. */
async function pass({ manager, visit }: Served, messages = 1): Promise<ServerConnection> {
  const gone = nextEvent(manager, "disconnection");
  const { client, connection } = await visit();
  for (let count = 0; count < messages; count++) await client.write(1, TEXT);
  await client.close();
  await gone;
  // The merged stream takes it over at the end of this macrotask.
  await nextTurn();
  return connection;
}

/** The ids of the connections that left messages unread, in the order of an iteration. */
async function leftBy({ manager }: Served): Promise<number[]> {
  await manager.close();
  const ids: number[] = [];
  for await (const { connection } of manager) ids.push(connection.id);
  return ids;
}

describe("disconnected clients whose messages are all unread", () => {
  it("hold at most a quarter of the budget: the manager drops the oldest, logs it, and returns the budget", async () => {
    // A quarter holds three.
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * 3 * COST });
    for (let count = 0; count < 3; count++) await pass(served);
    expect([served.manager.stats.unreadBytes, served.warnings]).toEqual([3 * COST, []]);
    await pass(served);
    expect(served.manager.stats.unreadBytes).toBe(3 * COST);
    await pass(served);
    expect(
      served.warnings.map((line) => /client (\d+) disconnected; (\d+) unread bytes were dropped/.exec(line)),
    ).toEqual([expect.arrayContaining(["1", "260"]), expect.arrayContaining(["2", "260"])]);
    expect(await leftBy(served)).toEqual([3, 4, 5]);
    expect(served.manager.stats.unreadBytes).toBe(0);
  });

  it("lose only the messages of a client that alone exceeds a quarter of the budget", async () => {
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * 3 * COST });
    await pass(served, 4);
    expect(served.manager.stats.unreadBytes).toBe(0);
    expect(served.warnings.length).toBe(1);
    await pass(served);
    expect(await leftBy(served)).toEqual([2]);
  });

  it("number at most maxConnections; one without messages is dropped without a log entry", async () => {
    const served = await serveLogged({ maxConnections: 3 });
    await pass(served, 0);
    for (let count = 0; count < 4; count++) await pass(served);
    expect(served.warnings.map((line) => /client (\d+) disconnected;/.exec(line)?.[1])).toEqual(["2"]);
    expect(await leftBy(served)).toEqual([3, 4, 5]);
  });

  it("hold no budget and are not reported as dropped when they are read singly afterwards", async () => {
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * 3 * COST });
    for (let count = 0; count < 10; count++) {
      const connection = await pass(served, 2);
      expect(await readToEnd(connection)).toEqual(["Connected", TEXT, TEXT, "Disconnected", "IPC_CLOSED"]);
    }
    expect([served.manager.stats.unreadBytes, served.warnings]).toEqual([0, []]);
  });

  it("can be read singly through a kept reference after the merged stream has dropped them", async () => {
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * COST });
    const first = await pass(served);
    await pass(served);
    expect(served.warnings.length).toBe(1);
    expect(await readToEnd(first)).toEqual(["Connected", TEXT, "Disconnected", "IPC_CLOSED"]);
    expect(served.manager.stats.unreadBytes).toBe(COST);
  });
});

describe("disconnected clients of a merged stream with a reader", () => {
  it("are kept within the whole budget until the reader reads again", async () => {
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * 3 * COST });
    await served.manager.readTimed(0, () => {});
    for (let count = 0; count < 5; count++) await pass(served);
    expect([served.manager.stats.unreadBytes, served.warnings]).toEqual([5 * COST, []]);
    expect(await leftBy(served)).toEqual([1, 2, 3, 4, 5]);
  });

  it("number at most maxConnections while the reader is busy, which gets no dropped client", async () => {
    const served = await serveLogged({ maxConnections: 3 });
    const { manager, visit } = served;
    const { client } = await visit();
    await client.write(1, TEXT);
    const ids: number[] = [];
    for await (const { connection } of manager) {
      ids.push(connection.id);
      if (ids.length === 4) break;
      if (ids.length > 1) continue;
      for (let count = 0; count < 6; count++) await pass(served);
      expect(served.warnings.length).toBe(3);
      expect(manager.stats.unreadBytes).toBe(3 * COST);
    }
    expect(ids).toEqual([1, 5, 6, 7]);
  });
});

describe("a client that disconnects after it was read singly", () => {
  it("frees the budget at once, and leaves its unread messages to its single reader", async () => {
    const served = await serveLogged({});
    const { manager, visit } = served;
    const { client, connection } = await visit();
    const iterator = connection[Symbol.asyncIterator]();
    for (const text of ["a", "b", "c"]) await client.write(1, text);
    expect((await iterator.next()).value?.text()).toBe("a");
    const gone = nextEvent(manager, "disconnection");
    await client.close();
    await gone;
    await nextTurn();
    expect(manager.stats.unreadBytes).toBe(0);
    expect((await iterator.next()).value?.text()).toBe("b");
    expect((await iterator.next()).value?.text()).toBe("c");
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await leftBy(served)).toEqual([]);
  });

  it("leaves its unread messages to the merged stream when that was reading it at the end", async () => {
    const { manager, visit } = await serve();
    const { client, connection } = await visit();
    await connection.read();
    const iterator = manager[Symbol.asyncIterator]();
    const first = iterator.next();
    const gone = nextEvent(manager, "disconnection");
    for (const text of ["a", "b", "c"]) await client.write(1, text);
    await client.close();
    await gone;
    await nextTurn();
    const deliveries = [await first, await iterator.next(), await iterator.next()];
    expect(deliveries.map(({ value }) => value?.message.text())).toEqual(["a", "b", "c"]);
    expect(manager.stats.unreadBytes).toBe(0);
  });
});
