import { join } from "node:path";
import type { AuthorizationRequest } from "@ipc/server";
import type { Endpoint } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { askForId, openFarSlot } from "../../../internal/testkit/src/id-requester.js";
import { collect, failureOf, nextEvent } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import type { ManagerOptions } from "./manager-options.js";
import { type ServerManager, startServerManager } from "./server-manager.js";

const name = "orders";
const MANAGER: Endpoint = { kind: "manager" };
const slot = (id: number): Endpoint => ({ kind: "slot", id });

async function start(options: Partial<ManagerOptions> = {}): Promise<{ manager: ServerManager; directory: string }> {
  const directory = temporaryDirectory();
  return { directory, manager: untilTestEnds(await startServerManager({ name, directory, ...options })) };
}

describe("authorize", () => {
  it("is called for every client, at either endpoint, and not for an id requester", async () => {
    const applicants: AuthorizationRequest[] = [];
    const { manager, directory } = await start({
      authorize: (applicant) => {
        applicants.push(applicant);
        return true;
      },
    });
    const { id } = await askForId(directory, name);
    expect(applicants).toEqual([]);
    await openFarClient(directory, name, {}, slot(id));
    await openFarClient(directory, name);
    await eventually(() => expect(manager.connections.size).toBe(2));
    const security = { mode: "secure", peer: { psk: false } };
    expect(applicants).toEqual([
      { security, remote: join(directory, `orders${id}.sock`) },
      { security, remote: join(directory, "orders.sock") },
    ]);
  });

  it("rejects clients at both endpoints, and keeps the slot for its client until its deadline", async () => {
    let isAllowed = false;
    const { manager, directory } = await start({ authorize: () => isAllowed });
    const refused = collect(manager, "refused");
    const { id } = await askForId(directory, name);
    for (const endpoint of [{ kind: "name" }, slot(id)] as const) {
      const failure = await failureOf(openFarClient(directory, name, {}, endpoint));
      expect(failure).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    }
    expect(refused.map(({ code }) => code)).toEqual(["IPC_NOT_AUTHORIZED", "IPC_NOT_AUTHORIZED"]);
    isAllowed = true;
    await openFarClient(directory, name, {}, slot(id));
    await eventually(() => expect([...manager.connections.keys()]).toEqual([id]));
  });

  it("admits no client when it resolves after the slot's deadline", async () => {
    let allow = (_yes: boolean): void => {};
    let tellAsked = (): void => {};
    const asked = new Promise<void>((resolve) => {
      tellAsked = resolve;
    });
    const { manager, directory } = await start({
      authorize: () => {
        tellAsked();
        return new Promise((resolve) => {
          allow = resolve;
        });
      },
    });
    const refused = collect(manager, "refused");
    const pass = stopClock();
    const { id } = await askForId(directory, name);
    const failing = failureOf(openFarClient(directory, name, { handshakeTimeoutMs: 60_000 }, slot(id)));
    await asked;
    pass(5_000);
    expect(await failing).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    allow(true);
    expect(refused.map(({ code }) => code)).toEqual(["IPC_HANDSHAKE_TIMEOUT", "IPC_HANDSHAKE_TIMEOUT"]);
    expect(manager.connections.size).toBe(0);
  });
});

describe("past maxConnections", () => {
  const busy = { code: "IPC_SERVER_BUSY" };

  it("rejects clients at the name, at the manager endpoint and at a slot, and keeps the others", async () => {
    const { manager, directory } = await start({ maxConnections: 2 });
    const refused = collect(manager, "refused");
    const { id } = await askForId(directory, name);
    const clients = [await openFarClient(directory, name), (await openFarSlot(directory, name)).session];
    await eventually(() => expect(manager.connections.size).toBe(2));
    for (const endpoint of [{ kind: "name" }, MANAGER, slot(id)] as const) {
      expect(await failureOf(openFarClient(directory, name, {}, endpoint))).toMatchObject(busy);
    }
    expect(refused).toMatchObject([busy, busy, busy]);
    expect(refused[0]?.message).toBe(
      "server `orders` is busy: 2 clients, its `maxConnections`; retry later, or raise the limit",
    );
    expect(clients.map(({ status }) => status)).toEqual(["Connected", "Connected"]);
  });

  it("serves a rejected client as soon as another disconnects, at either endpoint (golang-ipc: row 38)", async () => {
    const { manager, directory } = await start({ maxConnections: 1 });
    const { id } = await askForId(directory, name);
    const first = await openFarClient(directory, name);
    await eventually(() => expect(manager.connections.size).toBe(1));
    expect(await failureOf(openFarClient(directory, name, {}, slot(id)))).toMatchObject(busy);
    const gone = new Promise<void>((resolve) => void manager.once("disconnection", () => resolve()));
    await first.close();
    await gone;
    // The slot that was busy still belongs to its client.
    const second = await openFarClient(directory, name, {}, slot(id));
    await eventually(() => expect([...manager.connections.keys()]).toEqual([id]));
    const goneToo = new Promise<void>((resolve) => void manager.once("disconnection", () => resolve()));
    await second.close();
    await goneToo;
    await openFarClient(directory, name);
    await eventually(() => expect(manager.connections.size).toBe(1));
  });

  it("does not count id requesters", async () => {
    const { manager, directory } = await start({ maxConnections: 1 });
    await Promise.all(Array.from({ length: 5 }, () => askForId(directory, name)));
    await openFarClient(directory, name);
    await eventually(() => expect(manager.connections.size).toBe(1));
  });

  it("admits no more when many clients shake hands at once", async () => {
    const { manager, directory } = await start({ maxConnections: 3 });
    const told: number[] = [];
    manager.on("connection", () => told.push(manager.connections.size));
    const attempts = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? openFarClient(directory, name) : openFarSlot(directory, name),
    );
    await Promise.allSettled(attempts);
    await eventually(() => expect(told).toEqual([1, 2, 3]));
    const closed = nextEvent(manager, "close");
    await manager.close();
    await closed;
    expect(Math.max(...told)).toBe(3);
  });
});
