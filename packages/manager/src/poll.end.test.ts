import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { isSettled, nextTurn, send, serve } from "../test/served.js";
import type { PollCallback } from "./poll.js";
import type { ServerManager } from "./server-manager.js";

const reason = new Error("enough");
const LONG_MS = 2_147_483_647;

const polls = {
  read: (manager: ServerManager, callback: PollCallback, options?: { signal: AbortSignal }) =>
    manager.read(callback, options),
  readTimed: (manager: ServerManager, callback: PollCallback, options?: { signal: AbortSignal }) =>
    manager.readTimed(LONG_MS, callback, options),
  readTimedFastest: (manager: ServerManager, callback: PollCallback, options?: { signal: AbortSignal }) =>
    manager.readTimedFastest(LONG_MS, callback, options),
};
const unexpected: PollCallback = () => {
  throw new Error("the poll called its callback unexpectedly");
};

describe.each(["read", "readTimed", "readTimedFastest"] as const)("%s", (what) => {
  const poll = polls[what];

  it("removes its signal listener when it resolves or rejects", async () => {
    const { manager, visit } = await serve();
    const { signal } = new AbortController();
    const each = await visit();
    await poll(manager, () => {}, { signal });
    await send(each, "a");
    await failureOf(poll(manager, unexpected, { signal }));
    const waiting = poll(manager, () => {}, { signal });
    await failureOf(poll(manager, unexpected, { signal }));
    await manager.close();
    await waiting;
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("with no connection rejects with IPC_CLOSED when the manager closes, and with the reason when it is destroyed", async () => {
    const closed = await serve();
    const waiting = failureOf(poll(closed.manager, unexpected));
    await closed.manager.close();
    expect(await waiting).toMatchObject({ code: "IPC_CLOSED" });
    const destroyed = await serve();
    const other = failureOf(poll(destroyed.manager, unexpected));
    destroyed.manager.destroy(reason);
    expect(await other).toMatchObject({ code: "IPC_CLOSED", cause: reason });
  });

  it("gets Closing when it waits while the manager closes, and the next calls get Closed, then IPC_CLOSED", async () => {
    const { manager, visit } = await serve();
    await visit();
    await poll(manager, () => {});
    const words: string[] = [];
    const callback: PollCallback = (_connection, message) =>
      words.push(message.kind === "status" ? message.status : "");
    const waiting = poll(manager, callback);
    const closing = manager.close();
    await waiting;
    await poll(manager, callback);
    await closing;
    expect(words).toEqual(["Closing", "Closed"]);
    expect(await failureOf(poll(manager, callback))).toMatchObject({ code: "IPC_CLOSED" });
  });

  it("ends with the manager when a connection is paused, whose messages are not lost", async () => {
    const { manager, visit } = await serve();
    const each = await visit();
    await poll(manager, () => {});
    each.connection.pause();
    await send(each, "a");
    const waiting = failureOf(poll(manager, unexpected));
    await manager.close();
    expect(await waiting).toMatchObject({ code: "IPC_CLOSED" });
    each.connection.resume();
    await nextTurn();
    const words: string[] = [];
    await poll(manager, (_connection, message) => words.push(message.kind === "data" ? message.text() : ""));
    expect(words).toEqual(["a"]);
  });

  it("ends with the manager when another connection than the reported one is paused", async () => {
    const { manager, visit } = await serve();
    const [paused] = [await visit(), await visit()];
    await manager.readTimed(0, () => {});
    paused.connection.pause();
    const ids: number[] = [];
    const waiting = poll(manager, ({ id }) => ids.push(id));
    await manager.close();
    await waiting;
    expect(ids).toEqual([2]);
  });

  it("rejects with IPC_CONSUMER_TAKEN when there is another reader, and ends nothing", async () => {
    const { manager, visit } = await serve();
    const waiting = poll(manager, () => {});
    for (const other of ["read", "readTimed", "readTimedFastest"] as const) {
      expect(await failureOf(polls[other](manager, unexpected))).toMatchObject({
        code: "IPC_CONSUMER_TAKEN",
        message: `${other}: messages already go to a pending ${what}; use one consumer at a time`,
      });
    }
    expect(() => manager.on("message", () => {})).toThrow(`already go to a pending ${what}`);
    expect(await isSettled(waiting)).toBe(false);
    await visit();
    await waiting;
  });

  it.each([
    [undefined, undefined, "`callback` takes a function, got undefined"],
    [{}, undefined, "`callback` takes a function, got an object"],
    [() => {}, { signal: 5 }, "`signal` takes an AbortSignal, got 5"],
    [() => {}, 5, "takes an object of options, got 5"],
    [() => {}, null, "takes an object of options, got null"],
  ])(
    "rejects the callback %o and the options %o with a TypeError, rather than throw",
    async (callback, options, message) => {
      const { manager } = await serve();
      const error = await failureOf(poll(manager, callback as never, options as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(`${what}: ${message}`);
    },
  );
});

describe.each(["readTimed", "readTimedFastest"] as const)("%s rejects", (what) => {
  it.each([
    [-1, RangeError],
    [Number.NaN, RangeError],
    [2_147_483_648, RangeError],
    ["5", TypeError],
    [undefined, TypeError],
  ])("%o milliseconds", async (ms, kind) => {
    const { manager } = await serve();
    const error = await failureOf(manager[what](ms as number, unexpected));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(`${what}: \`ms\` takes milliseconds, 0 … 2147483647`);
  });
});
