import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type ClientOptions, startClient } from "@ipc/client";
import { type ManagerOptions, type ServerManager, startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { type Endpoint, type Transport, unixSocket } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { nextAsker } from "../../testkit/src/far-manager.js";
import { FarServer } from "../../testkit/src/far-server.js";
import { collect, failureOf, readData, readUntil } from "../../testkit/src/peer-watch.js";
import { RawPeer } from "../../testkit/src/raw-peer.js";
import { stopClock } from "../../testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

// What is broken in golang-ipc's pool, by the numbers of our list of its defects; each is a thing that ours does not do.

const name = "orders";
const MANAGER: Endpoint = { kind: "manager" };
const BOTH: readonly [string, Partial<ClientOptions>][] = [
  ["by the name", {}],
  ["by the id protocol", { multiClient: true }],
];

/** A manager that answers every client. */
async function start(options: Partial<ManagerOptions> = {}): Promise<{ manager: ServerManager; directory: string }> {
  const directory = temporaryDirectory();
  const manager = untilTestEnds(await startServerManager({ name, directory, ...options }));
  manager.on("message", (connection, { type, data }) => void connection.write(type, data));
  return { manager, directory };
}

/** Connects, has something echoed, and stays. */
async function served(directory: string, options: Partial<ClientOptions>): ReturnType<typeof startClient> {
  const client = untilTestEnds(await startClient({ name, directory, retryMs: 1, ...options }));
  await client.write(1, "hello");
  expect((await readData(client)).text()).toBe("hello");
  return client;
}

describe("row 4: a pool's slot deletes the socket of another server", () => {
  it("the pool `orders` takes no slot from the live servers `orders1` and `orders3`, and their clients do not notice", async () => {
    const directory = temporaryDirectory();
    const names = ["orders1", "orders3"];
    const servers = await Promise.all(names.map((other) => startServer({ name: other, directory })));
    const clients = await Promise.all(names.map((other) => startClient({ name: other, directory })));
    for (const peer of [...servers, ...clients]) untilTestEnds(peer);
    const manager = untilTestEnds(await startServerManager({ name, directory }));
    const ids: number[] = [];
    manager.on("connection", ({ id }) => ids.push(id));
    for (const expected of [2, 4, 5]) {
      const client = untilTestEnds(await startClient({ name, directory, multiClient: true }));
      expect(client.clientId).toBe(expected);
    }
    await eventually(() => expect(ids).toEqual([2, 4, 5]));
    await manager.close();
    expect(readdirSync(directory).sort()).toEqual(["orders1.sock", "orders3.sock"]);
    for (const [index, client] of clients.entries()) {
      await client.write(1, "still here");
      expect(await readUntil(servers[index] as never, "still here")).toEqual(["Connected", "still here"]);
      expect(client.stats.reconnects).toBe(0);
    }
  });
});

describe("row 26: while one client is connected, others are accepted and neither served nor closed", () => {
  it.each(BOTH)("others are served at the same time %s", async (_how, options) => {
    const { manager, directory } = await start();
    for (let clients = 1; clients <= 5; clients++) {
      await served(directory, options);
      expect(manager.connections.size).toBe(clients);
    }
  });

  it.each(BOTH)("where there is no room, they are told so at once %s, and can say it", async (_how, options) => {
    const { manager, directory } = await start({ maxConnections: 1 });
    const refused = collect(manager, "refused");
    const first = await served(directory, options);
    const failure = failureOf(startClient({ name, directory, retry: false, ...options }));
    expect(await failure).toMatchObject({ code: "IPC_SERVER_BUSY" });
    expect(refused).toMatchObject([{ code: "IPC_SERVER_BUSY" }]);
    expect(first.stats.reconnects).toBe(0);
    const waiting = startClient({ name, directory, retryMs: 1, ...options });
    await first.close();
    expect(untilTestEnds(await waiting).status).toBe("Connected");
  });
});

describe("row 30: one idle holder of the manager's endpoint blocks all new clients", () => {
  it("clients are served meanwhile, whatever the holder has said", async () => {
    const { manager, directory } = await start();
    const endpoint = join(directory, "orders_manager.sock");
    const silent = await RawPeer.connect(endpoint);
    await silent.read(2);
    const half = await RawPeer.connect(endpoint);
    half.write(0);
    await half.read(2 + 97);
    for (const [, options] of BOTH) for (let i = 0; i < 3; i++) await served(directory, options);
    expect(manager.connections.size).toBe(6);
    expect([silent, half].map(({ stream }) => stream.destroyed)).toEqual([false, false]);
  });
});

describe("row 31: ids are given out before a slot listens, and nothing is ever freed", () => {
  it("a client with an id finds its slot at the first dial, also when twenty ask at once", async () => {
    // Twenty handshakes take as long as the machine lets them: none of them is given up.
    const patient = { handshakeTimeoutMs: 60_000 };
    const { directory } = await start(patient);
    const inner = unixSocket({ directory });
    const slots: number[] = [];
    const transport: Transport = {
      ...inner,
      dial(whose, endpoint, wait) {
        if (endpoint.kind === "slot") slots.push(endpoint.id);
        return inner.dial(whose, endpoint, wait);
      },
    };
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => startClient({ name, transport, multiClient: true, ...patient })),
    );
    for (const client of clients) untilTestEnds(client);
    const byNumber = (a: number, b: number): number => a - b;
    expect(slots.sort(byNumber)).toEqual(clients.map(({ clientId }) => clientId as number).sort(byNumber));
    expect(new Set(slots).size).toBe(20);
  });

  it("ten clients come and go, and no slot and no file stays 30 s after them", async () => {
    const { manager, directory } = await start();
    const pass = stopClock();
    for (let i = 1; i <= 10; i++) {
      const client = await served(directory, { multiClient: true });
      expect(readdirSync(directory)).toContain(`orders${i}.sock`);
      await client.close();
    }
    await eventually(() => expect(manager.connections.size).toBe(0));
    pass(30_000);
    expect(readdirSync(directory).sort()).toEqual(["orders.sock", "orders_manager.sock"]);
    expect(manager.stats).toEqual({ connections: 0, unreadBytes: 0, queuedBytes: 0 });
  });
});

describe("row 32: the time-out ends with the first connection, and a closed one is asked again and again", () => {
  it("one deadline for the whole dial, with a manager that never answers", async () => {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const pass = stopClock();
    const options = { name, directory, multiClient: true, timeoutMs: 60_000, handshakeTimeoutMs: 1_000_000 };
    const failing = failureOf(startClient(options));
    const asker = await nextAsker(manager);
    pass(59_999);
    expect(asker.status).toBe("Connected");
    pass(1);
    expect(await failing).toMatchObject({ code: "IPC_TIMED_OUT" });
    await readUntil(asker, "Disconnected");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("a manager that ends is asked again after a pause, on a new connection", async () => {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const pass = stopClock();
    const failing = failureOf(startClient({ name, directory, multiClient: true, timeoutMs: 60_000, retryMs: 20_000 }));
    for (let asked = 1; asked <= 3; asked++) {
      await (await nextAsker(manager)).close();
      // The pause, the deadline, and the timer that keeps the process alive.
      await eventually(() => expect(vi.getTimerCount()).toBe(3));
      await setImmediate();
      expect(manager.connections).toBe(asked);
      pass(20_000);
    }
    expect(await failing).toMatchObject({
      code: "IPC_TIMED_OUT",
      cause: { code: "IPC_HANDSHAKE_FAILED" },
      message: expect.stringContaining("3 attempts in 60000 ms"),
    });
  });
});

describe("row 38: a redial before the old end was seen is accepted and never served", () => {
  it.each(BOTH)(
    "twenty redials, each before its old end can have been seen, are all served %s",
    async (_how, options) => {
      const { manager, directory } = await start();
      for (let i = 0; i < 20; i++) {
        const client = await served(directory, options);
        client.destroy();
      }
      await eventually(() => expect(manager.connections.size).toBe(0));
    },
  );

  it("twenty redials of a server with one place are all served, too", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    server.on("message", ({ type, data }) => void server.write(type, data));
    for (let i = 0; i < 20; i++) {
      const client = await served(directory, {});
      client.destroy();
    }
  });

  it.each(BOTH)("also where there is one place, and it is not free yet %s", async (_how, options) => {
    const { directory } = await start({ maxConnections: 1 });
    for (let i = 0; i < 20; i++) {
      const client = await served(directory, options);
      client.destroy();
    }
  });
});
