import { getEventListeners } from "node:events";
import { readdirSync } from "node:fs";
import { memory, type Transport, TransportError, unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { failureOf, readToEnd, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { name, nextEvent, nextTurn, serve } from "../test/served.js";
import type { ServerManager } from "./server-manager.js";

const reason = new Error("enough");
const lost = new TransportError("IPC_LISTENER_LOST", "the socket is gone");

/** Keeps the events of an end from now on, in order. */
function watchEnd(manager: ServerManager): string[] {
  const told: string[] = [];
  manager.on("disconnection", ({ id, status }, error) => told.push(`${id} ${status} ${error?.code ?? "in order"}`));
  manager.on("error", (error) => told.push(`error ${error.code}`));
  manager.on("close", () => told.push(`close ${manager.status}`));
  return told;
}

/** A transport whose name endpoint can be lost. */
function fragile(): { transport: Transport; lose: () => void } {
  const world = memory();
  const listeners: (() => void)[] = [];
  return {
    transport: {
      ...world,
      async listen(listenName, endpoint, onStream, options) {
        if (endpoint.kind === "name") listeners.push(() => options.onLost?.(lost));
        return world.listen(listenName, endpoint, onStream, options);
      },
    },
    lose: () => {
      for (const lose of listeners) lose();
    },
  };
}

describe("close", () => {
  it("sends accepted messages to every client, ends all connections, and reports its own end last", async () => {
    const { manager, visit } = await serve();
    const visits = [await visit(), await visit(), await visit()];
    const told = watchEnd(manager);
    const texts = Array.from({ length: 500 }, (_, index) => `${index}`);
    for (const { connection } of visits) for (const text of texts) void connection.write(1, text);
    const closing = manager.close();
    expect([manager.status, manager.statusCode]).toEqual(["Closing", 6]);
    await closing;
    expect([manager.status, manager.statusCode]).toEqual(["Closed", 5]);
    for (const { client } of visits) {
      expect((await readUntil(client, "Disconnected")).slice(1, -1)).toEqual(texts);
    }
    // They end side by side, each when its client has ended: whichever is first.
    expect(told.slice(0, -1).sort()).toEqual(["1 Closed in order", "2 Closed in order", "3 Closed in order"]);
    expect(told.at(-1)).toBe("close Closed");
    expect(manager.stats).toEqual({ connections: 0, detached: 0, unreadBytes: 0, queuedBytes: 0 });
  });

  it("returns one promise for every call, also after its end, and emits 'close' once", async () => {
    const { manager, visit } = await serve();
    await visit();
    const told = watchEnd(manager);
    const closing = manager.close();
    expect(manager.close()).toBe(closing);
    manager.destroy();
    await closing;
    await manager.close();
    manager.destroy();
    await manager[Symbol.asyncDispose]();
    expect(told).toEqual(["1 Closed in order", "close Closed"]);
  });

  it("lets another manager start under the name at once", async () => {
    const { manager, transport, visit } = await serve();
    await visit();
    await manager.close();
    const next = await serve({ transport });
    await next.visit();
    expect(next.manager.connections.size).toBe(1);
  });

  it("waits for connections that are already closing or were just destroyed", async () => {
    const { manager, visit } = await serve();
    const [first, second] = [await visit(), await visit()];
    const told = watchEnd(manager);
    void first.connection.close();
    second.connection.destroy();
    await manager.close();
    expect(told).toEqual(["2 Closed in order", "1 Closed in order", "close Closed"]);
  });

  it("rejects with IPC_CLOSE_INCOMPLETE, the number and the reason when a client never reads, and frees everything", async () => {
    const { manager, transport, visit, visitRaw } = await serve({ encryption: false, maxQueuedBytes: 65_536 });
    await visit();
    const { raw, connection } = await visitRaw();
    raw.stream.pause();
    void Promise.allSettled(Array.from({ length: 10 }, () => connection.write(1, new Uint8Array(60_000))));
    await nextTurn();
    const told = watchEnd(manager);
    const pass = stopClock();
    const failing = failureOf(manager.close({ timeoutMs: 20 }));
    await eventually(() => expect(told).toEqual(["1 Closed in order"]));
    pass(20);
    const error = await failing;
    expect(error).toMatchObject({ code: "IPC_CLOSE_INCOMPLETE", cause: { code: "IPC_CLOSE_INCOMPLETE" } });
    expect(error.message).toMatch(
      /^close incomplete: 1 of 2 connections did not receive every accepted message within 20 ms/,
    );
    expect(told.at(-1)).toBe("close Closed");
    expect(manager.stats).toEqual({ connections: 0, detached: 0, unreadBytes: 0, queuedBytes: 0 });
    await manager.close();
    await serve({ transport });
  });

  it("rejects wrong options and leaves the manager open", async () => {
    const { manager, visit } = await serve();
    expect(await failureOf(manager.close(null as never))).toBeInstanceOf(TypeError);
    expect(manager.status).toBe("Listening");
    await visit();
  });
});

describe("destroy", () => {
  it("ends all connections at once, and rejects pending calls with the reason as cause", async () => {
    const directory = temporaryDirectory();
    const { manager } = await serve({ transport: unixSocket({ directory }) });
    const connected = nextEvent(manager, "connection");
    const client = await openFarClient(directory, name);
    const [connection] = await connected;
    const told = watchEnd(manager);
    const next = failureOf(manager[Symbol.asyncIterator]().next());
    const flushed = failureOf(connection.write(1, new Uint8Array(2_000_000)));
    manager.destroy(reason);
    expect([manager.status, manager.connections.size]).toEqual(["Closed", 0]);
    expect(await next).toMatchObject({ code: "IPC_CLOSED", cause: reason });
    expect(await flushed).toMatchObject({ code: "IPC_CLOSED", cause: reason });
    expect(told).toEqual(["1 Closed IPC_CLOSED", "close Closed"]);
    await manager.close();
    expect(readdirSync(directory)).toEqual([]);
    await readUntil(client, "Disconnected");
  });

  it("cuts a close short", async () => {
    const { manager, visitRaw } = await serve({ encryption: false });
    const { raw, connection } = await visitRaw();
    raw.stream.pause();
    void Promise.allSettled(Array.from({ length: 10 }, () => connection.write(1, new Uint8Array(60_000))));
    await nextTurn();
    const closing = failureOf(manager.close({ timeoutMs: 2_000_000_000 }));
    manager.destroy(reason);
    expect(await closing).toMatchObject({ code: "IPC_CLOSE_INCOMPLETE" });
    expect(manager.status).toBe("Closed");
  });

  it("runs when the option signal is aborted, and not after the manager has closed", async () => {
    const controller = new AbortController();
    const { manager, visit } = await serve({ signal: controller.signal });
    const { client, connection } = await visit();
    controller.abort(reason);
    expect(manager.status).toBe("Closed");
    expect((await readToEnd(connection)).at(-1)).toBe("IPC_CLOSED");
    expect(await failureOf(connection.read())).toMatchObject({ cause: reason });
    await readUntil(client, "Disconnected");

    const late = new AbortController();
    const other = await serve({ signal: late.signal });
    await other.manager.close();
    expect(getEventListeners(late.signal, "abort")).toEqual([]);
  });
});

describe("a manager whose listener is lost", () => {
  it("reports it to every pending reader, after unread messages, and ends with the status Error", async () => {
    const { transport, lose } = fragile();
    const { manager, visit } = await serve({ transport });
    const [first, second] = [await visit(), await visit()];
    await first.client.write(1, "before");
    const told = watchEnd(manager);
    const iterator = manager[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ connection: first.connection });
    await second.client.write(1, "unread");
    await second.client.flush();
    while (second.connection.stats.unreadBytes === 0) await nextTurn();
    lose();
    expect([manager.status, manager.statusCode]).toEqual(["Error", 7]);
    expect(told).toEqual(["1 Error in order", "2 Error in order", "error IPC_LISTENER_LOST", "close Error"]);
    const left = (await iterator.next()).value;
    expect([left?.connection, left?.message.text()]).toEqual([second.connection, "unread"]);
    expect(await failureOf(iterator.next())).toBe(lost);
    expect(await failureOf(first.connection.write(1, ""))).toMatchObject({ code: "IPC_CLOSED" });
    await readUntil(first.client, "Disconnected");
    await manager.close();
    await serve({ transport });
  });
});

describe("a listener of the end of the first of three connections", () => {
  it.each([
    ["close", "close"],
    ["close", "destroy"],
    ["destroy", "close"],
    ["destroy", "destroy"],
    ["lose", "close"],
    ["lose", "destroy"],
  ] as const)(
    "that runs because of %s may call %s: the manager ends once, and reports its end once",
    async (end, again) => {
      const { transport, lose } = fragile();
      const { manager, visit } = await serve({ transport });
      for (let count = 0; count < 3; count++) await visit();
      const told = watchEnd(manager);
      const reads = failureOf(
        manager[Symbol.asyncIterator]()
          .next()
          .then(({ done }) => Promise.reject(new Error(`done: ${done}`))),
      );
      manager.once("disconnection", () => void manager[again]());
      if (end === "lose") lose();
      else await manager[end]();
      await manager.close();
      expect(told.filter((word) => word.includes("in order")).length).toBe(3);
      const status = end === "lose" ? "Error" : "Closed";
      expect(told.slice(3)).toEqual(end === "lose" ? ["error IPC_LISTENER_LOST", "close Error"] : ["close Closed"]);
      expect([manager.status, manager.connections.size]).toEqual([status, 0]);
      const expected = { close: "done: true", destroy: "this manager was destroyed", lose: lost.message }[end];
      expect((await reads).message).toBe(expected);
      await serve({ transport });
    },
  );
});
