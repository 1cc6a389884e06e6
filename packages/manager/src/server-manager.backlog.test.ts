import { type Transport, unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { collect, nextEvent, nextTurn, type Served, send, serve, type Visit } from "../test/served.js";
import type { Delivery } from "./merged-stream.js";

const MIB = 1_048_576;
const LARGE = new Uint8Array(3_000_000);

/** A socket sees its peer's end also while it is paused. */
const sockets = (): Transport => unixSocket({ directory: temporaryDirectory() });

/** A client comes, leaves a large message, and goes; false where it was not let in. */
async function leaveLarge({ manager, transport }: Served): Promise<boolean> {
  const gone = nextEvent(manager, "disconnection");
  try {
    const client = await openFarClient(transport, "orders");
    await client.write(1, LARGE);
    await client.close();
    await gone;
    await nextTurn();
    return true;
  } catch {
    return false;
  }
}

async function leaveOften(served: Served): Promise<number> {
  let entered = 0;
  for (let count = 0; count < 60; count++) if (await leaveLarge(served)) entered++;
  return entered;
}

describe("a manager whose budget of unread bytes is used up", () => {
  it.each(["a poll", "an iteration"])("admits no further client after %s has read once", async (how) => {
    const served = await serve({ maxTotalUnreadBytes: MIB, transport: sockets() });
    const { manager } = served;
    const refused = collect(manager, "refused");
    if (how === "a poll") await manager.readTimed(1, () => {});
    else {
      const visit = await served.visit();
      const next = manager[Symbol.asyncIterator]().next();
      await send(visit, "first");
      await next;
    }
    const entered = await leaveOften(served);
    expect(manager.stats.unreadBytes).toBeLessThanOrEqual(MIB + LARGE.length + 160);
    expect([entered, refused.length]).toEqual([1, 59]);
    expect(refused[0]?.[0]).toMatchObject({
      code: "IPC_SERVER_BUSY",
      message: expect.stringContaining("`maxTotalUnreadBytes`"),
    });
  });

  it("admits clients again after it has been read", async () => {
    const served = await serve({ maxTotalUnreadBytes: MIB, transport: sockets() });
    const { manager } = served;
    await manager.readTimed(1, () => {});
    expect(await leaveLarge(served)).toBe(true);
    expect(await leaveLarge(served)).toBe(false);
    for (let count = 0; count < 3; count++) await manager.readTimed(1, () => {});
    expect(manager.stats.unreadBytes).toBe(0);
    expect(await leaveLarge(served)).toBe(true);
  });

  it("delivers all messages of clients that flushed them and closed in an orderly way", async () => {
    const { manager, visit } = await serve({ maxTotalUnreadBytes: 16_384, transport: sockets() });
    await manager.readTimed(1, () => {});
    const visits: Visit[] = [];
    while (visits.length < 12) visits.push(await visit());
    const leaving = Promise.all(
      visits.map(async ({ client }) => {
        await Promise.all(Array.from({ length: 200 }, () => client.write(1, "x".repeat(100))));
        await client.flush();
        await client.close();
      }),
    );
    for (let turn = 0; turn < 100; turn++) await nextTurn();
    const read = new Map<number, number>();
    const iterator = manager[Symbol.asyncIterator]();
    for (let count = 0; count < 12 * 200; count++) {
      const { connection } = (await iterator.next()).value as Delivery;
      read.set(connection.id, (read.get(connection.id) ?? 0) + 1);
    }
    await leaving;
    expect([...read.values()]).toEqual(Array(12).fill(200));
  });
});
