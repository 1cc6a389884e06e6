import { describe, expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { keepUncaught } from "../../../internal/testkit/src/uncaught-exceptions.js";
import { recorder, serveRead } from "../test/polled.js";
import { isSettled, nextEvent, nextTurn, send, serve } from "../test/served.js";

const reason = new Error("enough");

describe("read over all connections", () => {
  it("gets one message or status of each connection, in order, and nothing else", async () => {
    const { manager, visit } = await serve();
    const visits = [await visit(), await visit()];
    for (const each of visits) await send(each, "a", "b");
    const { words, callback } = recorder();
    for (let count = 0; count < 3; count++) {
      await manager.read(callback);
      words.push("-");
    }
    expect(words).toEqual(["1 Connected", "2 Connected", "-", "1 a", "2 a", "-", "1 b", "2 b", "-"]);
  });

  it("resolves with the slowest connection; the next read gets the messages that the others send meanwhile", async () => {
    const { manager, visits } = await serveRead(3);
    const [first, second, third] = visits;
    const { words, callback } = recorder();
    const read = manager.read(callback);
    await send(first, "a", "b");
    await send(third, "c");
    expect([words, await isSettled(read)]).toEqual([["1 a", "3 c"], false]);
    await send(second, "d");
    await read;
    expect(words).toEqual(["1 a", "3 c", "2 d"]);
    for (const each of [second, third]) await send(each, "e");
    await manager.read(callback);
    expect(words.slice(3)).toEqual(["1 b", "2 e", "3 e"]);
  });

  it("waits for a first connection when there is none, and not for later ones", async () => {
    const { manager, visit } = await serve();
    const { words, callback } = recorder();
    const read = manager.read(callback);
    expect(await isSettled(read)).toBe(false);
    await visit();
    await read;
    expect(words).toEqual(["1 Connected"]);
    const next = manager.read(callback);
    await visit();
    expect(await isSettled(next)).toBe(false);
    expect(words).toEqual(["1 Connected"]);
    manager.destroy();
    await next;
  });

  it("skips a connection that is read singly", async () => {
    const { manager, visits } = await serveRead(2);
    const [single, other] = visits;
    const mine = single.connection.read();
    const { words, callback } = recorder();
    const read = manager.read(callback);
    await send(single, "mine");
    await send(other, "for all");
    await Promise.all([read, mine]);
    expect(words).toEqual(["2 for all"]);
  });

  it("waits for a paused connection, and gets its message after resume", async () => {
    const { manager, visits } = await serveRead(1);
    const [paused] = visits;
    paused.connection.pause();
    await send(paused, "a");
    const { words, callback } = recorder();
    const read = manager.read(callback);
    expect(await isSettled(read)).toBe(false);
    paused.connection.resume();
    await read;
    expect(words).toEqual(["1 a"]);
  });

  it("gets messages that use up a connection's budget one per call, in order", async () => {
    const { manager, visit } = await serve({ maxUnreadBytes: 1_024 });
    const { client, connection } = await visit();
    const texts = ["a", "b", "c"].map((text) => text.repeat(1_000));
    for (const text of texts) void client.write(1, text);
    while (connection.stats.messagesReceived === 0) await nextTurn();
    const { words, callback } = recorder();
    for (let count = 1; count <= 4; count++) {
      await manager.read(callback);
      expect(words.length).toBe(count);
    }
    expect(words).toEqual(["1 Connected", ...texts.map((text) => `1 ${text}`)]);
  });
});

describe("a poll of a connection that ends", () => {
  it.each(["while it waits", "before it begins"])(
    "gets its messages, then Disconnected once with the cause: %s",
    async (when) => {
      const { manager, visit, visitRaw } = await serve({ encryption: false });
      const { raw, connection } = await visitRaw();
      const second = await visit();
      await manager.read(() => {});
      const { words, callback } = recorder();
      const polls = when === "while it waits" ? manager.read(callback) : undefined;
      const gone = nextEvent(manager, "disconnection");
      raw.stream.write(plainFrame(1, "last"));
      while (connection.stats.messagesReceived === 0) await nextTurn();
      raw.stream.destroy(reason);
      await gone;
      await nextTurn();
      await send(second, "a", "b");
      await polls;
      while (words.length < 4) await manager.readTimed(0, callback);
      expect(words.filter((word) => word.startsWith("1"))).toEqual(["1 last", "1 Disconnected IPC_CONNECTION_LOST"]);
      expect(words.filter((word) => word.startsWith("2"))).toEqual(["2 a", "2 b"]);
      await manager.readTimed(0, callback);
      expect(words.slice(4)).toEqual(["2 timeout"]);
    },
  );

  it("gets the error of the connection when it waits for no other", async () => {
    const { manager, visitRaw } = await serve({ encryption: false });
    const { raw } = await visitRaw();
    await manager.read(() => {});
    const { words, callback } = recorder();
    const read = manager.read(callback);
    raw.stream.destroy(reason);
    await read;
    expect(words).toEqual(["1 Disconnected IPC_CONNECTION_LOST"]);
  });

  it("distinguishes a close of the client from a loss", async () => {
    const { manager, visits } = await serveRead(1);
    await visits[0].client.close();
    const { words, callback } = recorder();
    await manager.read(callback);
    expect(words).toEqual(["1 Disconnected IPC_PEER_CLOSED"]);
    expect(await isSettled(manager.read(callback))).toBe(false);
    expect(words.length).toBe(1);
  });
});

describe("the callback of a poll", () => {
  it("delays the end of the poll until each promise that it returned has settled", async () => {
    const { manager, visits } = await serveRead(2);
    for (const each of visits) await send(each, "a");
    const finish: (() => void)[] = [];
    const read = manager.read(() => new Promise<void>((resolve) => finish.push(resolve)));
    expect([finish.length, await isSettled(read)]).toEqual([2, false]);
    finish[1]?.();
    expect(await isSettled(read)).toBe(false);
    finish[0]?.();
    await read;
  });

  it.each(["throws", "rejects"])(
    "ends the poll at once with its error when it %s; the next poll gets the messages of the others",
    async (how) => {
      const caught = keepUncaught();
      const { manager, visits } = await serveRead(2);
      const [first, second] = visits;
      const read = failureOf(
        manager.read(() => {
          if (how === "throws") throw reason;
          return Promise.reject(reason);
        }),
      );
      await send(first, "a", "b");
      expect(await read).toBe(reason);
      await send(second, "c");
      const { words, callback } = recorder();
      await manager.read(callback);
      expect([words, caught]).toEqual([["1 b", "2 c"], []]);
      expect(first.connection.status).toBe("Connected");
    },
  );

  it("is ignored when it fails after the poll was aborted", async () => {
    const caught = keepUncaught();
    const { manager, visits } = await serveRead(2);
    const controller = new AbortController();
    let fail = (_error: Error): void => {};
    const callback = (): Promise<void> => new Promise((_resolve, reject) => (fail = reject));
    const read = failureOf(manager.read(callback, { signal: controller.signal }));
    await send(visits[0], "a");
    controller.abort(reason);
    expect(await read).toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: reason });
    fail(new Error("late"));
    await nextTurn();
    expect(caught).toEqual([]);
  });
});
