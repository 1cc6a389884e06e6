import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "@ipc/server";
import { type Endpoint, memory, type Transport, TransportError } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { askForId, openFarSlot } from "../../../internal/testkit/src/id-requester.js";
import { failureOf, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import type { ManagerOptions } from "./manager-options.js";
import type { ServerConnection } from "./server-connection.js";
import { type ServerManager, startServerManager } from "./server-manager.js";

const name = "orders";
const ENDPOINTS = ["orders.sock", "orders_manager.sock"];
const slot = (id: number): Endpoint => ({ kind: "slot", id });

async function start(options: Partial<ManagerOptions> = {}): Promise<{ manager: ServerManager; directory: string }> {
  const directory = temporaryDirectory();
  return { directory, manager: untilTestEnds(await startServerManager({ name, directory, ...options })) };
}

const filesIn = (directory: string): string[] => readdirSync(directory).sort();

/** Resolves with the next client. */
function nextConnection(manager: ServerManager): Promise<ServerConnection> {
  return new Promise((resolve) => void manager.once("connection", resolve));
}

describe("a manager listens", () => {
  it("at its name and at golang-ipc's manager, and at no slot before a request", async () => {
    const { manager, directory } = await start();
    expect(filesIn(directory)).toEqual(ENDPOINTS);
    expect(manager).toMatchObject({ address: join(directory, "orders.sock"), status: "Listening" });
  });

  it("at both endpoints for clients at the same time, and gives each an id of its own (golang-ipc: row 26)", async () => {
    const { manager, directory } = await start();
    const [first, second, third, fourth] = await Promise.all([
      openFarClient(directory, name),
      openFarSlot(directory, name),
      openFarClient(directory, name),
      openFarSlot(directory, name),
    ]);
    await eventually(() => expect(manager.connections.size).toBe(4));
    expect(manager.connections.get(second.id)?.remote).toBe(join(directory, `orders${second.id}.sock`));
    expect(manager.connections.get(fourth.id)?.remote).toBe(join(directory, `orders${fourth.id}.sock`));
    for (const [id, connection] of manager.connections) {
      expect(connection.id).toBe(id);
      await connection.write(1, `for ${id}`);
    }
    expect((await readData(second.session)).text()).toBe(`for ${second.id}`);
    expect((await readData(fourth.session)).text()).toBe(`for ${fourth.id}`);
    const others = [await readData(first), await readData(third)].map((message) => message.text());
    const ids = [...manager.connections.keys()].filter((id) => id !== second.id && id !== fourth.id);
    expect(others.sort()).toEqual(ids.map((id) => `for ${id}`).sort());
  });

  it("no longer after close, destroy and an abort, and leaves no file", async () => {
    for (const end of ["close", "destroy", "abort"] as const) {
      const controller = new AbortController();
      const { manager, directory } = await start({ signal: controller.signal });
      const closed = nextEvent(manager, "close");
      const request = await askForId(directory, name);
      await askForId(directory, name);
      const client = await openFarClient(directory, name);
      if (end === "close") await manager.close();
      else if (end === "destroy") manager.destroy();
      else controller.abort();
      await closed;
      expect(filesIn(directory)).toEqual([]);
      await readUntil(request.session, "Disconnected");
      await readUntil(client, "Disconnected");
    }
  });
});

describe("a manager skips an address that is in use, and leaves it unchanged:", () => {
  it("that of a live server, whose clients are not affected (golang-ipc: row 4)", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name: "orders1", directory }));
    const client = await openFarClient(directory, "orders1");
    await readUntil(server, "Connected");
    const manager = untilTestEnds(await startServerManager({ name, directory }));
    const arrived = nextConnection(manager);
    expect((await openFarSlot(directory, name)).id).toBe(2);
    expect((await arrived).id).toBe(2);
    await client.write(1, "still here");
    expect((await readData(server)).text()).toBe("still here");
    await manager.close();
    expect(filesIn(directory)).toEqual(["orders1.sock"]);
    expect(client.status).toBe("Connected");
  });

  it.each(["a plain file", "a directory", "a symbolic link"])("%s", async (what) => {
    const directory = temporaryDirectory();
    for (const id of [1, 3]) {
      const path = join(directory, `orders${id}.sock`);
      if (what === "a plain file") writeFileSync(path, "precious");
      else if (what === "a directory") mkdirSync(path);
      else symlinkSync("/nowhere", path);
    }
    const manager = untilTestEnds(await startServerManager({ name, directory }));
    expect((await openFarSlot(directory, name)).id).toBe(2);
    expect((await openFarSlot(directory, name)).id).toBe(4);
    await manager.close();
    expect(filesIn(directory)).toEqual(["orders1.sock", "orders3.sock"]);
  });
});

describe("startServerManager rejects, and frees everything, when", () => {
  it.each([
    ["its name is taken", "orders"],
    ["its manager endpoint is taken", "orders_manager"],
  ])("%s", async (_what, taken) => {
    const directory = temporaryDirectory();
    untilTestEnds(await startServer({ name: taken, directory }));
    expect(await failureOf(startServerManager({ name, directory }))).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    expect(filesIn(directory)).toEqual([`${taken}.sock`]);
  });

  it("the path of one of its endpoints is too long (golang-ipc: row 6)", async () => {
    const base = temporaryDirectory();
    // The name fits on every system, the manager endpoint on none.
    const directory = join(base, "d".repeat(102 - base.length - "//orders.sock".length));
    expect(await failureOf(startServerManager({ name, directory }))).toMatchObject({
      code: "IPC_PATH_TOO_LONG",
      message: expect.stringContaining("orders_manager.sock has 110 bytes, limit"),
    });
    expect(readdirSync(base, { recursive: true }).filter((file) => `${file}`.endsWith(".sock"))).toEqual([]);
  });

  it("its signal is aborted while any endpoint starts", async () => {
    const reason = new Error("enough");
    for (const last of ["name", "manager"] as const) {
      const controller = new AbortController();
      const world = memory();
      const transport: Transport = {
        ...world,
        async listen(...given) {
          const listener = await world.listen(...given);
          if (given[1].kind === last) controller.abort(reason);
          return listener;
        },
      };
      const options = { name, transport, signal: controller.signal };
      expect(await failureOf(startServerManager(options))).toMatchObject({ code: "IPC_ABORTED", cause: reason });
      for (const endpoint of [{ kind: "name" }, { kind: "manager" }, slot(1)] as const) {
        await expect(world.dial(name, endpoint, {})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
      }
    }
  });

  it("its last endpoint cannot be opened, and disconnects a client of the first", async () => {
    const world = memory();
    let session: Awaited<ReturnType<typeof openFarClient>> | undefined;
    const transport: Transport = {
      ...world,
      async listen(...given) {
        if (given[1].kind !== "manager") return world.listen(...given);
        session = await openFarClient(world, name);
        throw new TransportError("IPC_ADDRESS_IN_USE", "taken");
      },
    };
    expect(await failureOf(startServerManager({ name, transport }))).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    if (session === undefined) throw new Error("no client connected");
    await readUntil(session, "Disconnected");
  });
});

describe("a listener that is lost", () => {
  it.each(["name", "manager"] as const)("ends the manager and frees everything when it is the %s's", async (kind) => {
    const world = memory();
    let lose = (): void => {};
    const lost = new TransportError("IPC_LISTENER_LOST", "lost");
    const transport: Transport = {
      ...world,
      listen(whose, endpoint, onStream, options) {
        if (endpoint.kind === kind) lose = () => options.onLost?.(lost);
        return world.listen(whose, endpoint, onStream, options);
      },
    };
    const manager = untilTestEnds(await startServerManager({ name, transport }));
    const arrived = nextConnection(manager);
    const client = await openFarClient(transport, name);
    await arrived;
    const error = nextEvent(manager, "error");
    lose();
    expect(await error).toBe(lost);
    expect(manager.status).toBe("Error");
    await readUntil(client, "Disconnected");
    for (const endpoint of [{ kind: "name" }, { kind: "manager" }, slot(1)] as const) {
      await expect(world.dial(name, endpoint, {})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
    }
  });
});
