import { clientIdRequest } from "@ipc/session/internal";
import { memory, type Transport, tcp } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { openFarSlot, readId } from "../../../internal/testkit/src/id-requester.js";
import { nextHandshakes } from "../../../internal/testkit/src/next-handshake.js";
import { collect, failureOf, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import type { ManagerOptions } from "./manager-options.js";
import type { ServerConnection } from "./server-connection.js";
import { type ServerManager, startServerManager } from "./server-manager.js";

const name = "orders";

interface OneEndpoint {
  readonly manager: ServerManager;
  /** Where clients reach it. */
  readonly place: Transport;
  /** What it tells, in order. */
  readonly told: string[];
}

/** A manager on a port that the system chose, and so with one endpoint and no slots. */
async function start(options: Partial<ManagerOptions> = {}): Promise<OneEndpoint> {
  const manager = untilTestEnds(await startServerManager({ name, transport: tcp({ port: 0 }), ...options }));
  const told: string[] = [];
  manager.on("connection", ({ id }) => told.push(`${id} is there`));
  manager.on("disconnection", ({ id }, error) => told.push(`${id} is gone${error === undefined ? "" : " badly"}`));
  manager.on("message", ({ id }, message) => told.push(`${id}: ${message.text()}`));
  return { manager, place: tcp({ port: portOf(manager) }), told };
}

const portOf = (manager: ServerManager): number => Number(manager.address.split(":").at(-1));

/** Starts a manager on a port with free ports behind it, which cannot be reserved. */
async function startWithSlots(): Promise<{ manager: ServerManager; place: Transport }> {
  for (;;) {
    const probe = await startServerManager({ name, transport: tcp({ port: 0 }) });
    const port = portOf(probe);
    await probe.close();
    if (port > 65_000) continue;
    const place = tcp({ port });
    try {
      return { manager: untilTestEnds(await startServerManager({ name, transport: place })), place };
    } catch (error) {
      if ((error as { code?: string }).code !== "IPC_ADDRESS_IN_USE") throw error;
    }
  }
}

/** A client whose handshake is complete on the manager's side, too. */
async function come(place: Transport): ReturnType<typeof openFarClient> {
  const arrived = nextHandshakes(name);
  const client = await openFarClient(place, name);
  await arrived;
  return client;
}

describe("where one endpoint serves clients and id requesters,", () => {
  it("a client that speaks first is one at once, and nothing it said is lost", async () => {
    const { manager, place, told } = await start();
    stopClock();
    const client = await come(place);
    expect(manager.connections.size).toBe(0);
    await client.write(1, "hello");
    await client.write(1, "again");
    await eventually(() => expect(told).toEqual(["65536 is there", "65536: hello", "65536: again"]));
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
  });

  it("a client that waits for the server to speak is one after 100 ms", async () => {
    const { manager, place, told } = await start();
    const pass = stopClock();
    const client = await come(place);
    pass(99);
    expect(told).toEqual([]);
    pass(1);
    expect(told).toEqual(["65536 is there"]);
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    await manager.broadcast(1, "welcome");
    expect((await readData(client)).text()).toBe("welcome");
    await client.write(1, "thanks");
    await eventually(() => expect(told).toEqual(["65536 is there", "65536: thanks"]));
  });

  it("a client that closes at once was there, and is told of with what it said", async () => {
    const { place, told } = await start();
    stopClock();
    const silent = await come(place);
    await silent.close();
    await eventually(() => expect(told).toEqual(["65536 is there", "65536 is gone"]));
    const brief = await come(place);
    void brief.write(1, "bye");
    await brief.close();
    await eventually(() =>
      expect(told.slice(2).sort()).toEqual(["65537 is gone", "65537 is there", "65537: bye"].sort()),
    );
    expect(told[2]).toBe("65537 is there");
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
  });

  it("emits connection and disconnection for a client cut before its first message", async () => {
    const { place, told } = await start();
    stopClock();
    const client = await come(place);
    client.destroy();
    // A secure session that ends without its CLOSE was cut.
    await eventually(() => expect(told).toEqual(["65536 is there", "65536 is gone badly"]));
  });

  it("a listener that ends a client at its first message is told of nothing more", async () => {
    const { manager, place, told } = await start();
    stopClock();
    manager.on("connection", (connection) => connection.destroy());
    const client = await come(place);
    await client.write(1, "hello");
    await readUntil(client, "Disconnected");
    await eventually(() => expect(told).toEqual(["65536 is there", "65536 is gone"]));
    expect(manager.stats.unreadBytes).toBe(0);
  });

  it("emits nothing for a client that is still silent when the manager closes", async () => {
    const { manager, place, told } = await start();
    stopClock();
    const client = await come(place);
    await manager.close();
    await readUntil(client, "Disconnected");
    expect(told).toEqual([]);
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
  });

  it("a connection that asks for an id before its time is over is no client", async () => {
    stopClock();
    const { manager, place } = await startWithSlots();
    const connections: ServerConnection[] = [];
    manager.on("connection", (connection) => connections.push(connection));
    const request = await openFarClient(place, name);
    await request.writeMessage(clientIdRequest);
    const id = await readId(request);
    const client = await openFarClient(place, name, {}, { kind: "slot", id });
    await eventually(() => expect(connections.map((connection) => connection.id)).toEqual([id]));
    await request.close();
    await client.write(1, "hello");
    expect((await readData(connections[0] as ServerConnection)).text()).toBe("hello");
    expect(connections[0]?.remote).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it("the ids of slots count from 1 however many clients connect by the name", async () => {
    stopClock();
    const { manager, place } = await startWithSlots();
    for (let i = 0; i < 5; i++) await (await openFarClient(place, name)).write(1, "hello");
    await eventually(() => expect(manager.connections.size).toBe(5));
    const ids = [(await openFarSlot(place, name)).id, (await openFarSlot(place, name)).id];
    expect(ids[0]).toBeLessThan(ids[1] as number);
    expect(ids[1]).toBeLessThan(65_536);
    await eventually(() => expect(manager.connections.size).toBe(7));
  });

  it("answers a late id request, and emits disconnection when the requester disconnects", async () => {
    const { place, manager } = await startWithSlots();
    const told: string[] = [];
    manager.on("connection", ({ id }) => told.push(`${id} is there`));
    manager.on("disconnection", ({ id }) => told.push(`${id} is gone`));
    manager.on("message", ({ id }) => told.push(`${id} speaks`));
    const pass = stopClock();
    const request = await come(place);
    pass(100);
    await request.writeMessage(clientIdRequest);
    const id = await readId(request);
    await openFarClient(place, name, {}, { kind: "slot", id });
    await eventually(() => expect(told).toEqual(["65536 is there", `${id} is there`]));
    await request.close();
    await eventually(() => expect(told).toEqual(["65536 is there", `${id} is there`, "65536 is gone"]));
    expect([...manager.connections.keys()]).toEqual([id]);
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
  });

  it("a connection that asks for an id is ended, and reported as refused, when there are no slots", async () => {
    const warnings: string[] = [];
    const nothing = (): void => {};
    const logger = { debug: nothing, info: nothing, warn: (text: string) => void warnings.push(text), error: nothing };
    stopClock();
    const { manager, place } = await start({ logger });
    expect(warnings).toEqual([expect.stringContaining("no client ids available: slot 1 has no port")]);
    const refused = nextEvent(manager, "refused");
    const request = await openFarClient(place, name);
    await request.writeMessage(clientIdRequest);
    expect(await refused).toMatchObject({ code: "IPC_TRANSPORT_FAILED" });
    await readUntil(request, "Disconnected");
  });

  it("calls authorize for every connection, because its role is not known yet", async () => {
    let asked = 0;
    const { manager, place } = await start({ authorize: () => ++asked > 1 });
    const refused = collect(manager, "refused");
    expect(await failureOf(openFarClient(place, name))).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    await (await openFarClient(place, name)).write(1, "hello");
    await eventually(() => expect(manager.connections.size).toBe(1));
    expect(refused.map(({ code }) => code)).toEqual(["IPC_NOT_AUTHORIZED"]);
  });
});

it("in a memory() there are all three endpoints", async () => {
  const transport = memory();
  const manager = untilTestEnds(await startServerManager({ name, transport }));
  const ids: number[] = [];
  manager.on("connection", ({ id }) => ids.push(id));
  await openFarClient(transport, name);
  const { id } = await openFarSlot(transport, name);
  await eventually(() => expect(ids).toEqual([2, 1]));
  expect(id).toBe(1);
  await manager.close();
  for (const endpoint of [{ kind: "name" }, { kind: "manager" }, { kind: "slot", id: 3 }] as const) {
    expect(await failureOf(transport.dial(name, endpoint, {}))).toMatchObject({ code: "IPC_NO_SERVER" });
  }
});
