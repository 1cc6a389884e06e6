import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { PeerOptions } from "@ipc/session";
import { type Endpoint, unixSocket } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { askForId, openFarSlot } from "../../../internal/testkit/src/id-requester.js";
import { collect, failureOf, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import type { ManagerOptions } from "./manager-options.js";
import type { ServerConnection } from "./server-connection.js";
import { type ServerManager, startServerManager } from "./server-manager.js";

const name = "orders";
const ENDPOINTS = ["orders.sock", "orders_manager.sock"];
const PLAIN_OR_NOT = [true, false];
const slot = (id: number): Endpoint => ({ kind: "slot", id });

async function start(options: Partial<ManagerOptions> = {}): Promise<{ manager: ServerManager; directory: string }> {
  const directory = temporaryDirectory();
  return { directory, manager: untilTestEnds(await startServerManager({ name, directory, ...options })) };
}

const filesIn = (directory: string): string[] => readdirSync(directory).sort();

/** Resolves when the next client has gone. */
function nextGone(manager: ServerManager): Promise<void> {
  return new Promise((resolve) => void manager.once("disconnection", () => resolve()));
}

/** Resolves with the next client. */
function nextConnection(manager: ServerManager): Promise<ServerConnection> {
  return new Promise((resolve) => void manager.once("connection", resolve));
}

describe("a slot", () => {
  it("keeps listening while its client is connected, and rejects every other client as busy", async () => {
    const { manager, directory } = await start();
    const refused = collect(manager, "refused");
    for (const expected of [1, 2, 3]) {
      const arrived = nextConnection(manager);
      const { session, id } = await openFarSlot(directory, name);
      expect(id).toBe(expected);
      const connection = await arrived;
      expect(connection.id).toBe(id);
      const raw = await RawPeer.connect(join(directory, `orders${id}.sock`));
      expect(await raw.read(2)).toEqual(Buffer.of(2, 0xff));
      await session.write(1, "hello");
      expect((await readData(connection)).text()).toBe("hello");
    }
    expect(refused.map(({ code }) => code)).toEqual(["IPC_SERVER_BUSY", "IPC_SERVER_BUSY", "IPC_SERVER_BUSY"]);
    expect(filesIn(directory)).toEqual([
      "orders.sock",
      "orders1.sock",
      "orders2.sock",
      "orders3.sock",
      "orders_manager.sock",
    ]);
  });

  it.each(PLAIN_OR_NOT)(
    "accepts its golang-ipc client under the same id when it redials, encryption: %s",
    async (encryption) => {
      const { manager, directory } = await start({ encryption });
      const golang: PeerOptions = { encryption, security: { wire: "golang-ipc" } };
      const seen = new Set<ServerConnection>();
      let arrived = nextConnection(manager);
      let session = (await openFarSlot(directory, name, golang)).session;
      for (let visit = 0; visit < 3; visit++) {
        const connection = await arrived;
        expect([connection.id, seen.has(connection)]).toEqual([1, false]);
        seen.add(connection);
        await session.write(1, `visit ${visit}`);
        expect(await readUntil(connection, `visit ${visit}`)).toEqual(["Connected", `visit ${visit}`]);
        await connection.close();
        expect([...manager.connections]).toEqual([]);
        arrived = nextConnection(manager);
        session = await openFarClient(directory, name, golang, slot(1));
      }
    },
  );

  it.each(PLAIN_OR_NOT)(
    "ends the connection of an @ipc client that connects after its client has disconnected, encryption: %s",
    async (encryption) => {
      const { manager, directory } = await start({ encryption });
      const { session } = await openFarSlot(directory, name, { encryption });
      const gone = nextGone(manager);
      await session.close();
      await gone;
      const refused = nextEvent(manager, "refused");
      const stranger = openFarClient(directory, name, { encryption }, slot(1));
      if (encryption) expect(await failureOf(stranger)).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
      else await readUntil(await stranger, "Disconnected");
      expect(await refused).toMatchObject({
        code: "IPC_HANDSHAKE_FAILED",
        message: expect.stringContaining("the client selected 0x80"),
      });
      expect(manager.connections.size).toBe(0);
      expect(filesIn(directory)).toEqual(["orders.sock", "orders1.sock", "orders_manager.sock"]);
    },
  );

  it("closes 30 s after its client has disconnected", async () => {
    const { manager, directory } = await start();
    const { session } = await openFarSlot(directory, name);
    await eventually(() => expect(manager.connections.size).toBe(1));
    const pass = stopClock();
    const gone = nextGone(manager);
    await session.close();
    await gone;
    pass(29_999);
    expect(filesIn(directory)).toEqual(["orders.sock", "orders1.sock", "orders_manager.sock"]);
    pass(1);
    expect(filesIn(directory)).toEqual(ENDPOINTS);
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
  });

  it("closes at its deadline when no client connected", async () => {
    const { manager, directory } = await start();
    const pass = stopClock();
    const refused = collect(manager, "refused");
    await askForId(directory, name);
    await askForId(directory, name);
    expect(filesIn(directory)).toEqual(["orders.sock", "orders1.sock", "orders2.sock", "orders_manager.sock"]);
    pass(5_000);
    expect(filesIn(directory)).toEqual(ENDPOINTS);
    expect(refused.map(({ code }) => code)).toEqual(["IPC_HANDSHAKE_TIMEOUT", "IPC_HANDSHAKE_TIMEOUT"]);
  });

  it("accepts its client after the handshake of another peer failed (golang-ipc: row 8, TestServerReceiveWrongVersionNumberMulti)", async () => {
    const { manager, directory } = await start();
    const { id } = await askForId(directory, name);
    const refused = nextEvent(manager, "refused");
    const stranger = await RawPeer.connect(join(directory, `orders${id}.sock`));
    stranger.write(77);
    await refused;
    const arrived = nextConnection(manager);
    await openFarClient(directory, name, {}, slot(id));
    expect((await arrived).id).toBe(id);
  });

  it("accepts one of two clients that shake hands at the same time, and rejects the other", async () => {
    const { manager, directory } = await start({ encryption: false });
    const { id } = await askForId(directory, name, { encryption: false });
    const [first, second] = await Promise.all(
      [1, 2].map(async () => new RawPeer(untilTestEnds(await unixSocket({ directory }).dial(name, slot(id), {})))),
    );
    const refused = nextEvent(manager, "refused");
    await first?.join();
    await second?.join();
    expect(await refused).toMatchObject({
      code: "IPC_SERVER_BUSY",
      message: "slot 1 is taken: its client has connected, or its time is over; request a new id",
    });
    expect([...manager.connections.keys()]).toEqual([id]);
  });
});
