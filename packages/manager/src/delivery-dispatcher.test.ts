import type { DataMessage } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { readData } from "../../../internal/testkit/src/peer-watch.js";
import { keepUncaught } from "../../../internal/testkit/src/uncaught-exceptions.js";
import { nextEvent, nextTurn, send, serve } from "../test/served.js";
import type { ServerConnection } from "./server-connection.js";
import type { ServerManager } from "./server-manager.js";

/** Keeps what 'message' tells from now on. */
function watch(manager: ServerManager): string[] {
  const words: string[] = [];
  manager.on("message", ({ id }, message) => words.push(`${id} ${message.text()}`));
  return words;
}

/** What the next so many messages of a manager are. */
async function take(manager: ServerManager, count: number): Promise<string[]> {
  const words: string[] = [];
  for await (const { connection, message } of manager) {
    words.push(`${connection.id} ${message.text()}`);
    if (words.length === count) break;
  }
  return words;
}

describe("a 'message' listener of a manager", () => {
  it("gets unread messages from the next tick on, then new ones of every connection; data only", async () => {
    const { manager, visit } = await serve();
    const first = await visit();
    await send(first, "a", "b");
    const words = watch(manager);
    expect(words).toEqual([]);
    await nextTurn();
    expect(words).toEqual(["1 a", "1 b"]);
    await send(await visit(), "c");
    await send(first, "d");
    expect(words).toEqual(["1 a", "1 b", "2 c", "1 d"]);
    expect(manager.stats.unreadBytes).toBe(0);
  });

  it("shares every message with others, those that are added in the same breath too", async () => {
    const { manager, visit } = await serve();
    const first = await visit();
    await send(first, "a");
    const [one, other] = [watch(manager), watch(manager)];
    await send(first, "b");
    expect([one, other]).toEqual([
      ["1 a", "1 b"],
      ["1 a", "1 b"],
    ]);
  });

  it("gets what gone clients left, and what one that is just going has sent", async () => {
    const { manager, visit } = await serve();
    const leave = async (text: string): Promise<void> => {
      const gone = nextEvent(manager, "disconnection");
      const { client } = await visit();
      await client.write(1, text);
      await client.close();
      await gone;
    };
    await leave("a");
    const words = watch(manager);
    await leave("b");
    await nextTurn();
    expect(words).toEqual(["1 a", "2 b"]);
  });

  it("added with once takes one message and leaves the others unread", async () => {
    const { manager, visit } = await serve();
    const visits = [await visit(), await visit()];
    for (const each of visits) await send(each, "a", "b");
    const [connection, message] = await nextEvent(manager, "message");
    expect([connection.id, message.text()]).toEqual([1, "a"]);
    expect((await take(manager, 3)).sort()).toEqual(["1 b", "2 a", "2 b"]);
  });

  it("that is removed leaves later messages unread, for the next consumer", async () => {
    const { manager, visit } = await serve();
    const [first, second] = [await visit(), await visit()];
    for (const each of [first, second]) await send(each, "a", "b");
    const words: string[] = [];
    const listener = ({ id }: ServerConnection, message: DataMessage): void => {
      words.push(`${id} ${message.text()}`);
      if (words.length === 1) manager.off("message", listener);
    };
    manager.on("message", listener);
    await nextTurn();
    expect(words).toEqual(["1 a"]);
    expect((await readData(first.connection)).text()).toBe("b");
    manager.on("message", listener);
    await nextTurn();
    expect(words.slice(1)).toEqual(["2 a", "2 b"]);
  });

  it("that is removed and added again in its own call goes on in the next tick, in order", async () => {
    const { manager, visit } = await serve();
    await send(await visit(), "a", "b", "c");
    const words: string[] = [];
    const listener = (_connection: ServerConnection, message: DataMessage): void => {
      words.push(message.text());
      manager.off("message", listener);
      manager.on("message", listener);
    };
    manager.on("message", listener);
    await eventually(() => expect(words).toEqual(["a", "b", "c"]));
  });

  it("that is removed before anything flowed gets nothing", async () => {
    const { manager, visit } = await serve();
    await send(await visit(), "a");
    const words: string[] = [];
    const listener = (): void => void words.push("x");
    manager.on("message", listener).off("message", listener);
    await nextTurn();
    expect(words).toEqual([]);
    expect(await take(manager, 1)).toEqual(["1 a"]);
  });

  it("is refused with a TypeError where it is no function, and takes nothing", async () => {
    const { manager, visit } = await serve();
    expect(() => manager.on("message", "x" as never)).toThrow(TypeError);
    expect(() => manager.once("message", undefined as never)).toThrow(TypeError);
    const each = await visit();
    await send(each, "a");
    expect((await readData(each.connection)).text()).toBe("a");
  });
});

describe("a 'message' listener that holds one connection back", () => {
  it("by pause gets nothing more of that one, and everything of the others; after resume the rest, in order", async () => {
    const { manager, visit } = await serve();
    const [held, other] = [await visit(), await visit()];
    const words = watch(manager);
    manager.on("message", (connection, message) => {
      if (message.text() === "b") connection.pause();
    });
    await send(held, "a", "b", "c", "d");
    await send(other, "e");
    expect(words).toEqual(["1 a", "1 b", "2 e"]);
    held.connection.resume();
    await nextTurn();
    expect(words).toEqual(["1 a", "1 b", "2 e", "1 c", "1 d"]);
  });

  it("holds its writer back where the budget is used up, and loses nothing", async () => {
    const { manager, visit } = await serve({ maxUnreadBytes: 4_096 });
    const held = await visit();
    const words = watch(manager);
    held.connection.pause();
    for (let index = 0; index < 300; index++) void held.client.write(1, `${index} `.padEnd(1_000));
    await eventually(() => expect(held.connection.stats.unreadBytes).toBeGreaterThanOrEqual(4_096));
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(held.connection.stats.unreadBytes).toBeLessThan(4_096 + 1_160);
    held.connection.resume();
    await eventually(() => expect(words.length).toBe(300));
    expect(words.map((word) => word.trim())).toEqual(Array.from({ length: 300 }, (_, index) => `1 ${index}`));
  });

  it("finds unread what that one had, when the manager has closed", async () => {
    const { manager, visit } = await serve();
    const held = await visit();
    held.connection.pause();
    const words = watch(manager);
    await send(held, "a", "b");
    await manager.close();
    held.connection.resume();
    await nextTurn();
    expect(words).toEqual([]);
    expect(await take(manager, 2)).toEqual(["1 a", "1 b"]);
  });
});

describe("a 'message' listener that fails or ends things", () => {
  it("by a throw is an uncaught exception; it goes on, and the connection is unharmed", async () => {
    const caught = keepUncaught();
    const { manager, visit } = await serve();
    const words = watch(manager);
    const bug = new Error("bug");
    manager.once("message", () => {
      throw bug;
    });
    await send(await visit(), "a", "b");
    await nextTurn();
    expect([words, caught]).toEqual([["1 a", "1 b"], [bug]]);
  });

  it("by destroying its connection gets nothing more of it, and everything of the others", async () => {
    const { manager, visit } = await serve();
    const [first, second] = [await visit(), await visit()];
    for (const each of [first, second]) await send(each, "a", "b");
    const words = watch(manager);
    manager.once("message", (connection) => connection.destroy());
    await nextTurn();
    expect(words).toEqual(["1 a", "2 a", "2 b"]);
    expect([manager.connections.size, manager.stats.unreadBytes]).toEqual([1, 0]);
  });

  it.each(["close", "destroy"] as const)("by a %s of the manager gets nothing after 'close'", async (end) => {
    const { manager, visit } = await serve();
    const first = await visit();
    const words = watch(manager);
    const closed = nextEvent(manager, "close").then(() => words.push("close"));
    manager.once("message", () => void manager[end]());
    for (const text of ["a", "b", "c"]) void first.client.write(1, text);
    await closed;
    await nextTurn();
    expect(words).toEqual(["1 a", "close"]);
  });
});
