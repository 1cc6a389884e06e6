import { setImmediate } from "node:timers/promises";
import { type Endpoint, type Transport, unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { giveId } from "../../../internal/testkit/src/far-manager.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { collect, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startClient } from "./client.js";

const name = "orders";
const MANAGER: Endpoint = { kind: "manager" };
const slot = (id: number): Endpoint => ({ kind: "slot", id });

/** A transport that keeps the endpoints that were dialled. */
function counted(directory: string): {
  transport: Transport;
  dialled: Endpoint[];
  dials: (count: number) => Promise<void>;
} {
  const inner = unixSocket({ directory });
  const dialled: Endpoint[] = [];
  let look = (): void => {};
  const transport: Transport = {
    ...inner,
    dial(whose, endpoint, wait) {
      dialled.push(endpoint);
      look();
      return inner.dial(whose, endpoint, wait);
    },
  };
  const dials = (count: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => void (dialled.length >= count && resolve());
      look();
    });
  return { transport, dialled, dials };
}

describe("startClient with multiClient", () => {
  it("requests an id from the manager and exchanges messages at its slot", async () => {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const place = await FarServer.listen(directory, name, slot(5));
    const starting = startClient({ name, directory, multiClient: true });
    await giveId(manager, 5);
    const session = await place.session();
    const client = untilTestEnds(await starting);
    expect(client).toMatchObject({ status: "Connected", clientId: 5, remote: `${directory}/orders5.sock` });
    await client.write(1, "hello");
    await session.write(1, "hello yourself");
    expect(await readUntil(session, "hello")).toEqual(["Connected", "hello"]);
    expect(await readUntil(client, "hello yourself")).toEqual(["Connecting", "Connected", "hello yourself"]);
    expect([manager.connections, place.connections]).toEqual([1, 1]);
  });

  it("has no clientId without multiClient, and before it has received an id", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const starting = startClient({ name, directory });
    await far.session();
    expect(untilTestEnds(await starting).clientId).toBeUndefined();
  });

  it("disconnects from the manager before it connects to its slot, because golang-ipc's manager serves one client at a time", async () => {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const starting = startClient({ name, directory, multiClient: true });
    const asker = await giveId(manager, 1);
    await readUntil(asker, "Disconnected");
    const place = await FarServer.listen(directory, name, slot(1));
    await place.session();
    untilTestEnds(await starting);
  });

  it("waits for a manager that does not listen yet", async () => {
    const directory = temporaryDirectory();
    const { transport, dialled, dials } = counted(directory);
    const starting = startClient({ name, transport, multiClient: true, retryMs: 1 });
    await dials(3);
    expect(dialled).toEqual([MANAGER, MANAGER, MANAGER]);
    await FarServer.listen(directory, name, slot(1));
    const manager = await FarServer.listen(directory, name, MANAGER);
    const place = await FarServer.listen(directory, name, slot(2));
    await giveId(manager, 2);
    await place.session();
    expect(untilTestEnds(await starting).clientId).toBe(2);
  });

  it("waits for a slot that does not listen yet without a second request, because golang-ipc answers before it listens", async () => {
    const directory = temporaryDirectory();
    const { transport, dialled, dials } = counted(directory);
    const manager = await FarServer.listen(directory, name, MANAGER);
    const starting = startClient({ name, transport, multiClient: true });
    await giveId(manager, 2);
    await dials(4);
    expect(dialled).toEqual([MANAGER, slot(2), slot(2), slot(2)]);
    const place = await FarServer.listen(directory, name, slot(2));
    await place.session();
    untilTestEnds(await starting);
    expect(manager.connections).toBe(1);
  });

  it("requests another id when its slot does not listen within a second", async () => {
    const directory = temporaryDirectory();
    const { transport, dialled, dials } = counted(directory);
    const manager = await FarServer.listen(directory, name, MANAGER);
    const place = await FarServer.listen(directory, name, slot(2));
    const pass = stopClock();
    const starting = startClient({ name, transport, multiClient: true, retryMs: 10 });
    await giveId(manager, 1);
    for (let dial = 2; dial <= 102; dial++) {
      await dials(dial);
      await setImmediate();
      pass(10);
    }
    await giveId(manager, 2);
    await place.session();
    const client = untilTestEnds(await starting);
    expect(client.clientId).toBe(2);
    expect(dialled).toEqual([MANAGER, ...new Array(101).fill(slot(1)), MANAGER, slot(2)]);
  });
});

describe("a client with multiClient that loses its connection", () => {
  it("requests a new id and continues at another slot", async () => {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const starting = startClient({ name, directory, multiClient: true, retryMs: 1 });
    const first = await FarServer.listen(directory, name, slot(1));
    await giveId(manager, 1);
    let session = await first.session();
    const client = untilTestEnds(await starting);
    const ids: (number | undefined)[] = [];
    client.on("status", (status) => void (status === "Connected" && ids.push(client.clientId)));
    // The old slot still listens: no client connects to it.
    for (const id of [2, 3, 9]) {
      const place = await FarServer.listen(directory, name, slot(id));
      const connected = nextEvent(client, "status");
      if (id % 2 === 0) session.destroy();
      else await session.close();
      expect(await connected).toBe("Reconnecting");
      await giveId(manager, id);
      session = await place.session();
      await session.write(1, `at ${id}`);
      expect((await readData(client)).text()).toBe(`at ${id}`);
      expect(client.remote).toBe(`${directory}/orders${id}.sock`);
    }
    expect(ids).toEqual([2, 3, 9]);
    expect(first.connections).toBe(1);
    expect(client.stats.reconnects).toBe(3);
  });

  it("keeps the last id until it receives a new one", async () => {
    const directory = temporaryDirectory();
    const manager = await FarServer.listen(directory, name, MANAGER);
    const place = await FarServer.listen(directory, name, slot(1));
    const starting = startClient({ name, directory, multiClient: true, retryMs: 1_000_000 });
    await giveId(manager, 1);
    const session = await place.session();
    const client = untilTestEnds(await starting);
    const lost = collect(client, "lost");
    session.destroy();
    await readUntil(client, "Reconnecting");
    expect(client.clientId).toBe(1);
    expect(lost).toHaveLength(1);
  });
});
