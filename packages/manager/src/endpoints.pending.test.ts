import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { askForId, type IdRequester, openFarSlot } from "../../../internal/testkit/src/id-requester.js";
import { nextHandshakes } from "../../../internal/testkit/src/next-handshake.js";
import { collect, readData } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type ServerManager, startServerManager } from "./server-manager.js";

const name = "orders";
const PLAIN = { encryption: false };
const HUNDRED = Array.from({ length: 100 }, (_, index) => index);
const ENDPOINTS = ["orders.sock", "orders_manager.sock"];

interface Place {
  readonly manager: ServerManager;
  readonly directory: string;
  readonly pass: (ms: number) => void;
}

async function start(): Promise<Place> {
  const directory = temporaryDirectory();
  const manager = untilTestEnds(await startServerManager({ name, directory, ...PLAIN }));
  manager.on("message", (connection, { type, data }) => void connection.write(type, data));
  return { manager, directory, pass: stopClock() };
}

/** Connects clients to both endpoints, and proves that they are served. Leaves a slot, which stays 30 s after its client. */
async function expectService(manager: ServerManager, directory: string): Promise<void> {
  const clients = [await openFarClient(directory, name, PLAIN), (await openFarSlot(directory, name, PLAIN)).session];
  for (const client of clients) {
    await client.write(1, "hello");
    expect((await readData(client)).text()).toBe("hello");
    await client.close();
  }
  await eventually(() => expect(manager.connections.size).toBe(0));
}

/** Connects to the manager endpoint, and sends nothing. */
function connectToManager(directory: string): Promise<RawPeer> {
  return RawPeer.connect(join(directory, "orders_manager.sock"));
}

async function joinManager(directory: string): Promise<RawPeer> {
  const raw = await connectToManager(directory);
  await raw.join();
  return raw;
}

const slotsIn = (directory: string): number => readdirSync(directory).length - ENDPOINTS.length;

/** Open descriptors of this process. */
function descriptors(): number {
  return readdirSync("/dev/fd").length;
}

describe("serves others meanwhile, and leaves nothing after the deadline, when the manager endpoint has", () => {
  it("a connection that sends nothing (golang-ipc: row 7, row 30)", async () => {
    const { manager, directory, pass } = await start();
    const idle = await connectToManager(directory);
    await idle.read(2);
    await expectService(manager, directory);
    const refused = collect(manager, "refused");
    pass(5_000);
    await idle.gone;
    expect(refused.map(({ code }) => code)).toEqual(["IPC_HANDSHAKE_TIMEOUT"]);
  });

  it("a connection that completes the handshake and never requests an id (golang-ipc: row 30)", async () => {
    const { manager, directory, pass } = await start();
    const arrived = nextHandshakes(name);
    const idle = await joinManager(directory);
    await arrived;
    await expectService(manager, directory);
    const refused = collect(manager, "refused");
    pass(5_000);
    await idle.gone;
    expect(refused).toMatchObject([{ message: expect.stringContaining("no client id request within 5000 ms") }]);
  });

  it("an id requester that never connects to its slot", async () => {
    const { manager, directory, pass } = await start();
    const { session } = await askForId(directory, name, PLAIN);
    await expectService(manager, directory);
    expect(slotsIn(directory)).toBe(2);
    pass(5_000);
    expect(slotsIn(directory)).toBe(1);
    pass(25_000);
    expect(readdirSync(directory).sort()).toEqual(ENDPOINTS);
    await eventually(() => expect(session.status).toBe("Disconnected"));
  });

  it("an id requester that disconnects and never connects to its slot", async () => {
    const { manager, directory, pass } = await start();
    const { session } = await askForId(directory, name, PLAIN);
    await session.close();
    await expectService(manager, directory);
    expect(slotsIn(directory)).toBe(2);
    pass(5_000);
    expect(slotsIn(directory)).toBe(1);
    pass(25_000);
    expect(readdirSync(directory).sort()).toEqual(ENDPOINTS);
  });

  it("a hundred of each at once: no file, descriptor or timer is left", async () => {
    const { manager, directory, pass } = await start();
    // Whatever a first use opens for good is open from here on.
    await expectService(manager, directory);
    pass(30_000);
    const refused = collect(manager, "refused");
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    const before = descriptors();

    const arrived = nextHandshakes(name, 300);
    const silent = await Promise.all(HUNDRED.map(() => connectToManager(directory)));
    const idle = await Promise.all(HUNDRED.map(() => joinManager(directory)));
    const asked: IdRequester[] = await Promise.all(HUNDRED.map(() => askForId(directory, name, PLAIN)));
    const gone: IdRequester[] = await Promise.all(HUNDRED.map(() => askForId(directory, name, PLAIN)));
    await arrived;
    await Promise.all(gone.map(({ session }) => session.close()));
    await Promise.all(silent.map((raw) => raw.read(2)));
    expect(new Set([...asked, ...gone].map(({ id }) => id)).size).toBe(200);
    expect(slotsIn(directory)).toBe(200);

    await expectService(manager, directory);
    expect(refused).toEqual([]);

    pass(5_000);
    await Promise.all([...silent, ...idle].map((raw) => raw.gone));
    await eventually(() => expect(asked.filter(({ session }) => session.status === "Connected")).toEqual([]));
    expect(slotsIn(directory)).toBe(1);
    pass(25_000);
    expect(readdirSync(directory).sort()).toEqual(ENDPOINTS);
    expect(refused).toHaveLength(400);
    await eventually(() => expect(vi.getTimerCount()).toBe(0));
    await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before));
    await expectService(manager, directory);
  });
});

it("leaves no file, descriptor or timer 30 s after a hundred clients have connected by the id protocol and disconnected (golang-ipc: row 31, row 39)", async () => {
  const { manager, directory, pass } = await start();
  await expectService(manager, directory);
  pass(30_000);
  await eventually(() => expect(vi.getTimerCount()).toBe(0));
  const before = descriptors();
  const clients = await Promise.all(HUNDRED.map(() => openFarSlot(directory, name, PLAIN)));
  await eventually(() => expect(manager.connections.size).toBe(100));
  expect([...manager.connections.keys()].sort()).toEqual(clients.map(({ id }) => id).sort());
  expect(slotsIn(directory)).toBe(100);
  await Promise.all(clients.map(({ session }) => session.close()));
  await eventually(() => expect(manager.connections.size).toBe(0));
  expect(slotsIn(directory)).toBe(100);
  pass(30_000);
  expect(readdirSync(directory).sort()).toEqual(ENDPOINTS);
  await eventually(() => expect(vi.getTimerCount()).toBe(0));
  await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before));
});
