import { unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { collect, failureOf, nextEvent as nextPeerEvent } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { name, nextTurn, send, serve, stall } from "../test/served.js";
import { startServerManager } from "./server-manager.js";

const FOREVER_MS = 1_000_000;

describe("stopAccepting of a manager", () => {
  it("frees the name for the next manager, and keeps the connected clients", async () => {
    const transport = unixSocket({ directory: temporaryDirectory() });
    const { manager, visit } = await serve({ transport });
    const visited = await visit();
    await manager.stopAccepting();
    untilTestEnds(await startServerManager({ name, transport }));
    await send(visited, "a");
    expect([manager.status, manager.connections.size]).toEqual(["Listening", 1]);
  });
});

describe("drain of a manager", () => {
  it("handles every message of 50 clients, notifies each, and closes the manager", async () => {
    const { manager, visit } = await serve({ transport: unixSocket({ directory: temporaryDirectory() }) });
    const visits = await Promise.all(Array.from({ length: 50 }, () => visit()));
    let handled = 0;
    manager.on("message", async () => {
      for (let turn = 0; turn < 5; turn++) await nextTurn();
      handled++;
    });
    const drains = visits.map(({ client }) => collect(client, "draining"));
    const ends = visits.map(({ client }) => nextPeerEvent(client, "close"));
    for (const { client } of visits) for (let count = 0; count < 20; count++) void client.write(1, "job");
    const drained = manager.drain({ timeoutMs: FOREVER_MS });
    expect(manager.drain()).toBe(drained);
    await drained;
    await Promise.all(ends);
    expect([handled, drains.every((events) => events.length === 1)]).toEqual([1_000, true]);
    expect([manager.status, manager.connections.size]).toEqual(["Closed", 0]);
  });

  it("waits for the callback of a poll, and for the next poll", async () => {
    const { manager, visit } = await serve();
    const visited = await visit();
    const handled: string[] = [];
    const pass = stopClock();
    const passIdle = async (): Promise<void> => {
      for (let turn = 0; turn < 10; turn++) await nextTurn();
      pass(300);
      await nextTurn();
    };
    const poll = (): Promise<void> =>
      manager.readTimed(FOREVER_MS, async (connection, message) => {
        await passIdle();
        if (message.kind === "data") handled.push(message.text(), connection.status);
      });
    await poll();
    await send(visited, "a", "b");
    const drained = manager.drain({ timeoutMs: FOREVER_MS });
    await poll();
    await poll();
    await passIdle();
    await drained;
    expect(handled).toEqual(["a", "Connected", "b", "Connected"]);
  });

  it("closes after `timeoutMs`, and rejects with the number of clients that did not read", async () => {
    const { manager, visit, visitRaw } = await serve({ encryption: false });
    await visit();
    await stall(await visitRaw());
    expect(await failureOf(manager.drain({ timeoutMs: 300 }))).toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringContaining("drain incomplete: 1 of 2 connections"),
    });
    expect(manager.status).toBe("Closed");
  });

  it.each(["close", "destroy"] as const)("ends early when a %s is called", async (how) => {
    const { manager, visit } = await serve();
    await visit();
    const drained = manager.drain({ timeoutMs: FOREVER_MS });
    await manager[how]();
    await drained;
    expect(manager.status).toBe("Closed");
  });

  it("does nothing after a close", async () => {
    const { manager } = await serve();
    await manager.close();
    await manager.drain();
    expect(manager.status).toBe("Closed");
  });

  it("drains one connection, and keeps the others", async () => {
    const { manager, visit } = await serve();
    const [first, second] = [await visit(), await visit()];
    await first.connection.drain({ timeoutMs: FOREVER_MS });
    await eventually(() => expect([...manager.connections.values()]).toEqual([second.connection]));
  });
});
