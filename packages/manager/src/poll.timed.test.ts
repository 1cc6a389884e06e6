import { timeoutMessage } from "@ipc/session";
import { describe, expect, it, vi } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { recorder, serveRead } from "../test/polled.js";
import { isSettled, nextTurn, send, serve } from "../test/served.js";

describe("readTimed over all connections", () => {
  it("gets the one timeoutMessage for each connection without a message in time, and loses no later message", async () => {
    const { manager, visits } = await serveRead(3);
    const pass = stopClock();
    const { words, callback } = recorder();
    const given: unknown[] = [];
    const timed = manager.readTimed(50, (connection, message, error) => {
      given.push(message);
      return callback(connection, message, error);
    });
    await send(visits[1], "a");
    pass(49);
    expect([words, await isSettled(timed)]).toEqual([["2 a"], false]);
    pass(1);
    await timed;
    expect(words).toEqual(["2 a", "1 timeout", "3 timeout"]);
    expect(given.slice(1).every((message) => message === timeoutMessage)).toBe(true);
    await send(visits[0], "b");
    const next = manager.readTimed(50, callback);
    pass(50);
    await next;
    expect(words.slice(3)).toEqual(["1 b", "2 timeout", "3 timeout"]);
  });

  it("resolves before its time limit when every connection has been read, and leaves no timer", async () => {
    const { manager, visits } = await serveRead(2);
    stopClock();
    const { words, callback } = recorder();
    const timed = manager.readTimed(50, callback);
    expect(vi.getTimerCount()).toBe(1);
    for (const each of visits) await send(each, "a");
    await timed;
    expect(words).toEqual(["1 a", "2 a"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits for its time limit and does not call the callback when there is no connection", async () => {
    const { manager } = await serve();
    const pass = stopClock();
    const { words, callback } = recorder();
    for (const what of ["readTimed", "readTimedFastest"] as const) {
      const timed = manager[what](50, callback);
      pass(49);
      expect(await isSettled(timed)).toBe(false);
      pass(1);
      await timed;
    }
    expect(words).toEqual([]);
  });

  it("gets the waiting messages, and timeoutMessage for other connections, when the time is 0 milliseconds", async () => {
    const { manager, visits } = await serveRead(2);
    await send(visits[1], "a");
    const { words, callback } = recorder();
    await manager.readTimed(0, callback);
    expect(words).toEqual(["2 a", "1 timeout"]);
  });

  it("gets timeoutMessage for a paused connection", async () => {
    const { manager, visits } = await serveRead(1);
    visits[0].connection.pause();
    await send(visits[0], "a");
    const { words, callback } = recorder();
    await manager.readTimed(0, callback);
    visits[0].connection.resume();
    await nextTurn();
    await manager.readTimed(0, callback);
    expect(words).toEqual(["1 timeout", "1 a"]);
  });

  it("rejects with the error of a callback that fails on timeoutMessage", async () => {
    const { manager } = await serveRead(2);
    const failure = failureOf(
      manager.readTimed(0, () => {
        throw new Error("too late");
      }),
    );
    expect((await failure).message).toBe("too late");
  });

  it.each(["readTimed", "readTimedFastest"] as const)(
    "leaves no timer when it is aborted or rejected: %s",
    async (what) => {
      const { manager } = await serveRead(1);
      stopClock();
      const controller = new AbortController();
      const waiting = failureOf(manager[what](50, () => {}, { signal: controller.signal }));
      await failureOf(manager.readTimed(50, () => {}));
      expect(vi.getTimerCount()).toBe(1);
      controller.abort();
      await waiting;
      expect(vi.getTimerCount()).toBe(0);
    },
  );
});

describe("readTimedFastest", () => {
  it("resolves with the first message without a callback for the other connections; the next call gets their messages", async () => {
    const { manager, visits } = await serveRead(3);
    stopClock();
    const { words, callback } = recorder();
    let fastest = manager.readTimedFastest(50, callback);
    expect(await isSettled(fastest)).toBe(false);
    await send(visits[2], "a");
    await fastest;
    expect(words).toEqual(["3 a"]);
    await send(visits[0], "b");
    fastest = manager.readTimedFastest(50, callback);
    await fastest;
    expect(words).toEqual(["3 a", "1 b"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gets one message of every connection that has one when it begins", async () => {
    const { manager, visits } = await serveRead(3);
    await send(visits[0], "a", "b");
    await send(visits[2], "c", "d");
    const { words, callback } = recorder();
    await manager.readTimedFastest(1_000_000, callback);
    expect(words).toEqual(["1 a", "3 c"]);
    await manager.readTimedFastest(1_000_000, callback);
    expect(words.slice(2)).toEqual(["1 b", "3 d"]);
  });

  it("reads every connection, also when one always has messages", async () => {
    const { manager, visits } = await serveRead(2);
    const [flood, single] = visits;
    await send(flood, ...Array.from({ length: 500 }, (_, index) => `${index}`));
    const { words, callback } = recorder();
    for (let count = 0; count < 100; count++) await manager.readTimedFastest(1_000_000, callback);
    await send(single, "one");
    await manager.readTimedFastest(1_000_000, callback);
    expect(words.slice(100).sort()).toEqual(["1 100", "2 one"]);
  });

  it("gets timeoutMessage for each connection when none has a message in time", async () => {
    const { manager } = await serveRead(2);
    const pass = stopClock();
    const { words, callback } = recorder();
    const fastest = manager.readTimedFastest(50, callback);
    pass(50);
    await fastest;
    expect(words).toEqual(["1 timeout", "2 timeout"]);
  });

  it("loses and reorders no message when it is called many times", async () => {
    const { manager, visits } = await serveRead(3);
    const wanted = Array.from({ length: 200 }, (_, index) => `${index}`);
    for (const { client } of visits) for (const text of wanted) void client.write(1, text);
    const seen = new Map<number, string[]>([1, 2, 3].map((id) => [id, []]));
    let count = 0;
    while (count < 600) {
      await manager.readTimedFastest(0, ({ id }, message) => {
        if (message.kind !== "data") return;
        seen.get(id)?.push(message.text());
        count++;
      });
    }
    expect([...seen.values()]).toEqual([wanted, wanted, wanted]);
  });
});
