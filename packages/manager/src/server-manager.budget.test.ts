import type { DataMessage } from "@ipc/session";
import { unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { readData } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, type RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { nextEvent, nextTurn, readOn, type Served, serve } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";
import type { ServerManager } from "./server-manager.js";

const CROWD = 50;
const LIMIT = 200_000;
/** The cost of a message of 1 000 bytes while it is unread. */
const UNREAD = 1_160;

/** A listener that sends back whatever its client sends. */
const echo = (async (connection: ServerConnection): Promise<void> => {
  for await (const message of connection) await connection.write(message.type, message.data);
}) as (connection: ServerConnection) => void;

/** Resolves when the figures of a manager have stopped changing. */
async function standstill(manager: ServerManager): Promise<void> {
  let before = "";
  for (let same = 0; same < 20; same++) {
    const now = JSON.stringify(manager.stats);
    if (now !== before) same = 0;
    before = now;
    await nextTurn();
  }
}

async function crowd({ visitRaw }: Served): Promise<{ raw: RawPeer; connection: ServerConnection }[]> {
  const visits: { raw: RawPeer; connection: ServerConnection }[] = [];
  while (visits.length < CROWD) visits.push(await visitRaw());
  return visits;
}

/** Comes, and has 100 messages sent back. */
async function beServed({ manager, visit }: Served): Promise<void> {
  manager.once("connection", echo);
  const { client } = await visit();
  for (let round = 0; round < 100; round++) {
    await client.write(1, `${round}`.padEnd(1_000));
    expect((await readData(client)).text().trim()).toBe(`${round}`);
  }
  const gone = nextEvent(manager, "disconnection");
  await client.close();
  await gone;
}

describe("the budget of unread bytes over all connections", () => {
  it("bounds the unread bytes of fifty connections, however much they send, and serves a new client", async () => {
    const served = await serve({ encryption: false, maxTotalUnreadBytes: LIMIT });
    const { manager } = served;
    const visits = await crowd(served);
    const texts = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(1_000));
    const flood = Buffer.concat(texts.map((text) => plainFrame(1, text)));
    for (const { raw } of visits) raw.stream.write(flood);
    await standstill(manager);
    expect(manager.stats.unreadBytes).toBeGreaterThan(LIMIT / 2);
    expect(manager.stats.unreadBytes).toBeLessThanOrEqual(LIMIT + CROWD * UNREAD);
    await beServed(served);
    expect(manager.stats.unreadBytes).toBeLessThanOrEqual(LIMIT + CROWD * UNREAD);

    // Nothing of it is lost.
    const seen = new Map<ServerConnection, string[]>(visits.map(({ connection }) => [connection, []]));
    let missing = CROWD * texts.length;
    for await (const { connection, message } of manager) {
      seen.get(connection)?.push(message.text());
      missing--;
      if (missing === 0) break;
    }
    for (const got of seen.values()) expect(got).toEqual(texts);
    expect(manager.stats.unreadBytes).toBe(0);
  });

  it("serves other connections one message at a time when one message of a connection uses it up", async () => {
    const served = await serve({ encryption: false, maxTotalUnreadBytes: 10_000 });
    const { manager, visitRaw } = served;
    const { raw, connection } = await visitRaw();
    raw.stream.write(plainFrame(1, "x".repeat(100_000)));
    await standstill(manager);
    expect(manager.stats.unreadBytes).toBe(100_160);
    await beServed(served);
    expect((await connection.read()).kind).toBe("status");
    expect(((await connection.read()) as DataMessage).data.length).toBe(100_000);
    expect(manager.stats.unreadBytes).toBe(0);
  });

  it("keeps the messages of a client that closes in an orderly way when it is used up", async () => {
    // A socket sees its peer's end also while it is paused.
    const transport = unixSocket({ directory: temporaryDirectory() });
    const { manager, visitRaw } = await serve({ encryption: false, maxTotalUnreadBytes: 10_000, transport });
    (await visitRaw()).raw.stream.write(plainFrame(1, "x".repeat(100_000)));
    while (manager.stats.unreadBytes === 0) await nextTurn();
    const { raw, connection } = await visitRaw();
    const gone = nextEvent(manager, "disconnection");
    raw.stream.end(Buffer.concat(Array.from({ length: 10 }, () => plainFrame(1, "x".repeat(1_000)))));
    expect(await gone).toMatchObject([connection, { code: "IPC_PEER_CLOSED" }]);
    expect(connection.stats).toMatchObject({ messagesReceived: 10, unreadBytes: 10 * UNREAD });
  });

  it("is returned by a connection that is destroyed, closed or lost", async () => {
    const { manager, visitRaw } = await serve({ encryption: false });
    const visits = [await visitRaw(), await visitRaw(), await visitRaw()];
    for (const { raw } of visits) raw.stream.write(plainFrame(1, "x".repeat(1_000)));
    await standstill(manager);
    expect(manager.stats).toEqual({ connections: 3, detached: 0, unreadBytes: 3 * UNREAD, queuedBytes: 0 });
    visits[0]?.connection.destroy();
    await nextTurn();
    expect(manager.stats).toMatchObject({ connections: 2, unreadBytes: 2 * UNREAD });
    await visits[1]?.connection.close();
    visits[2]?.raw.stream.destroy();
    await standstill(manager);
    // The messages of those two wait to be read, or to be dropped.
    expect(manager.stats).toMatchObject({ connections: 0, unreadBytes: 2 * UNREAD });
    for (let count = 0; count < 3; count++) await manager.readTimed(0, () => {});
    expect(manager.stats.unreadBytes).toBe(0);
  });
});

describe("the budget of queued bytes over all connections", () => {
  const DATA = new Uint8Array(1_000);
  const QUEUED = DATA.length + 8;

  it("bounds the queued bytes for fifty clients that do not read, and serves a new client", async () => {
    const served = await serve({ encryption: false, maxTotalQueuedBytes: LIMIT });
    const { manager } = served;
    const visits = await crowd(served);
    for (const { raw } of visits) raw.stream.pause();
    for (let round = 0; round < 500; round++) {
      await manager.broadcast(1, DATA, { slow: "skip" });
      // A client's queue holds four of these here: the kernel takes them between two macrotasks.
      if (round % 4 === 0) await nextTurn();
    }
    await standstill(manager);
    const { skipped } = await manager.broadcast(1, DATA, { slow: "skip" });
    expect(skipped.length).toBe(CROWD);
    expect(manager.stats.queuedBytes).toBeGreaterThan(LIMIT / 2);
    expect(manager.stats.queuedBytes).toBeLessThanOrEqual(LIMIT + CROWD * QUEUED);
    await beServed(served);

    // A client that reads again has room again, and every accepted message arrives.
    for (const { raw } of visits) raw.stream.resume();
    await standstill(manager);
    expect(manager.stats.queuedBytes).toBe(0);
    expect((await manager.broadcast(2, "back", { slow: "skip" })).skipped).toEqual([]);
    for (const { raw, connection } of visits) {
      const messages = await readOn(raw, connection.stats.messagesSent);
      expect(messages.at(-1)).toMatchObject({ type: 2 });
    }
  });

  it("makes writes wait, and accepts them all in order when their readers read again", async () => {
    const served = await serve({ encryption: false, maxTotalQueuedBytes: LIMIT });
    const { manager } = served;
    const visits = await crowd(served);
    for (const { raw } of visits) raw.stream.pause();
    const writes: Promise<void>[] = [];
    for (let index = 0; index < 200; index++) {
      for (const { connection } of visits) writes.push(connection.write(1, `${index}`.padEnd(1_000)));
      await nextTurn();
    }
    await standstill(manager);
    expect(manager.stats.queuedBytes).toBeLessThanOrEqual(LIMIT + CROWD * QUEUED);
    for (const { raw } of visits) {
      const messages = await readOn(raw, 200);
      expect(messages.map(({ data }) => Number(data.toString()))).toEqual(
        Array.from({ length: 200 }, (_, index) => index),
      );
    }
    await Promise.all(writes);
    await standstill(manager);
    expect(manager.stats.queuedBytes).toBe(0);
  });

  it.each(["destroy", "cut", "incomplete close"])("is returned by a %s", async (how) => {
    const { manager, visitRaw } = await serve({ encryption: false });
    const { raw, connection } = await visitRaw();
    raw.stream.pause();
    const writes = [10, 60_000, 100_000, 300_000].map((length) => connection.write(1, new Uint8Array(length)));
    await standstill(manager);
    expect(manager.stats.queuedBytes).toBeGreaterThan(100_000);
    if (how === "destroy") connection.destroy();
    else if (how === "cut") raw.stream.destroy(new Error("cut"));
    else await connection.close({ timeoutMs: 1 }).catch(() => {});
    await Promise.allSettled(writes);
    await standstill(manager);
    expect(manager.stats).toEqual({ connections: 0, detached: 0, unreadBytes: 0, queuedBytes: 0 });
  });
});
