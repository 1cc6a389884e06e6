import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { nextEvent, type Served, serve } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";
import type { ServerManager } from "./server-manager.js";

const PASSES = 20;

/** A client comes, sends a message, and goes; what is left of its connection is a weak reference. */
async function pass({ manager, visit }: Served): Promise<WeakRef<ServerConnection>> {
  const gone = nextEvent(manager, "disconnection");
  const { client, connection } = await visit();
  await client.write(1, "brief");
  await client.close();
  await gone;
  return new WeakRef(connection);
}

/** Collects garbage until at most so many connections are held, the last one aside. */
async function expectHeld(connections: readonly WeakRef<ServerConnection>[], most: number): Promise<void> {
  await eventually(() => {
    global.gc?.();
    // The engine may keep the last one in a frame.
    const held = connections.slice(0, -1).filter((connection) => connection.deref() !== undefined);
    expect(held.length).toBeLessThanOrEqual(most);
  });
}

/** Takes so many messages. */
async function iterate(manager: ServerManager, count: number): Promise<void> {
  let left = count;
  for await (const _ of manager) {
    left--;
    if (left === 0) break;
  }
}

describe("a manager releases a connection that has ended", () => {
  it("when an iteration that continues takes its message on arrival", async () => {
    const served = await serve();
    const iterator = served.manager[Symbol.asyncIterator]();
    const gone: WeakRef<ServerConnection>[] = [];
    for (let count = 0; count < PASSES; count++) {
      const next = iterator.next();
      gone.push(await pass(served));
      await next;
    }
    const waiting = iterator.next();
    await expectHeld(gone, 0);
    await iterator.return?.();
    await waiting;
  });

  it("when an iteration that continues takes its message after the end", async () => {
    const served = await serve();
    const iterator = served.manager[Symbol.asyncIterator]();
    const gone: WeakRef<ServerConnection>[] = [];
    for (let count = 0; count < PASSES; count++) gone.push(await pass(served));
    for (let count = 0; count < PASSES; count++) await iterator.next();
    const waiting = iterator.next();
    await expectHeld(gone, 0);
    await iterator.return?.();
    await waiting;
  });

  it("when an iteration has read it and its loop was left", async () => {
    const served = await serve();
    const gone: WeakRef<ServerConnection>[] = [];
    const iterating = iterate(served.manager, PASSES);
    for (let count = 0; count < PASSES; count++) gone.push(await pass(served));
    await iterating;
    await expectHeld(gone, 0);
  });

  it("when a listener has received its message, on arrival or after the end", async () => {
    const served = await serve();
    const gone = [await pass(served), await pass(served)];
    served.manager.on("message", () => {});
    for (let count = 0; count < PASSES; count++) gone.push(await pass(served));
    await expectHeld(gone, 0);
  });

  it.each(["read", "readTimed", "readTimedFastest"] as const)("when polls have read it: %s", async (what) => {
    const served = await serve();
    const { manager, visit } = served;
    const stays = await visit();
    const gone: WeakRef<ServerConnection>[] = [];
    for (let count = 0; count < PASSES; count++) gone.push(await pass(served));
    // Its Connected, its message, its Disconnected.
    for (let count = 0; count < 3; count++) {
      await stays.client.write(1, "here");
      if (what === "read") await manager.read(() => {});
      else await manager[what](0, () => {});
    }
    await expectHeld(gone, 0);
    expect(manager.connections.size).toBe(1);
  });

  it("when the single reader that took it on connection has read it", async () => {
    const served = await serve();
    served.manager.on("connection", (async (connection: ServerConnection) => {
      for await (const _ of connection);
    }) as (connection: ServerConnection) => void);
    const gone: WeakRef<ServerConnection>[] = [];
    for (let count = 0; count < PASSES; count++) gone.push(await pass(served));
    await expectHeld(gone, 0);
  });

  it("when more unread ones than maxConnections have ended", async () => {
    const served = await serve({ maxConnections: 5 });
    const gone: WeakRef<ServerConnection>[] = [];
    for (let count = 0; count < PASSES; count++) gone.push(await pass(served));
    await expectHeld(gone, 5);
    expect(served.manager.stats.unreadBytes).toBe(5 * 165);
  });
});
