import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { readToEnd } from "../../../internal/testkit/src/peer-watch.js";
import { nextEvent, nextTurn, type Served, serve } from "../test/served.js";
import type { ManagerOptions } from "./manager-options.js";
import type { ServerConnection } from "./server-connection.js";

/** What one message of 100 bytes costs as long as it is unread. */
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

describe("clients that have gone, and of which nothing was read", () => {
  it("hold a quarter of the budget at the most: the oldest are dropped, which is logged, and the budget is given back", async () => {
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

  it("of which one alone left more than that: it is dropped, and no other", async () => {
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * 3 * COST });
    await pass(served, 4);
    expect(served.manager.stats.unreadBytes).toBe(0);
    expect(served.warnings.length).toBe(1);
    await pass(served);
    expect(await leftBy(served)).toEqual([2]);
  });

  it("are at most as many as may be connected; one that left nothing is dropped in silence", async () => {
    const served = await serveLogged({ maxConnections: 3 });
    await pass(served, 0);
    for (let count = 0; count < 4; count++) await pass(served);
    expect(served.warnings.map((line) => /client (\d+) disconnected;/.exec(line)?.[1])).toEqual(["2"]);
    expect(await leftBy(served)).toEqual([3, 4, 5]);
  });

  it("and that are read singly afterwards hold nothing any more, and are never said to be dropped", async () => {
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * 3 * COST });
    for (let count = 0; count < 10; count++) {
      const connection = await pass(served, 2);
      expect(await readToEnd(connection)).toEqual(["Connected", TEXT, TEXT, "Disconnected", "IPC_CLOSED"]);
    }
    expect([served.manager.stats.unreadBytes, served.warnings]).toEqual([0, []]);
  });

  it("can be read singly through a kept reference, also when the merged stream has dropped them", async () => {
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * COST });
    const first = await pass(served);
    await pass(served);
    expect(served.warnings.length).toBe(1);
    expect(await readToEnd(first)).toEqual(["Connected", TEXT, "Disconnected", "IPC_CLOSED"]);
    expect(served.manager.stats.unreadBytes).toBe(COST);
  });
});

describe("clients that have gone, where the stream has a reader", () => {
  it("are kept within the whole budget until the reader comes back", async () => {
    const served = await serveLogged({ maxTotalUnreadBytes: 4 * 3 * COST });
    await served.manager.readTimed(0, () => {});
    for (let count = 0; count < 5; count++) await pass(served);
    expect([served.manager.stats.unreadBytes, served.warnings]).toEqual([5 * COST, []]);
    expect(await leftBy(served)).toEqual([1, 2, 3, 4, 5]);
  });

  it("are no more than may be connected, also while the reader is busy; it gets none that was dropped", async () => {
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

describe("a client that was read singly and goes", () => {
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

  it("leaves what is unread to the stream where that was reading it when it went", async () => {
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
