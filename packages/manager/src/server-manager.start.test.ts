import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Session } from "@ipc/session";
import { memory, type Transport, TransportError, tcp } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { nextHandshakes } from "../../../internal/testkit/src/next-handshake.js";
import { failureOf, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { collect, name, nextEvent } from "../test/served.js";
import { startServerManager } from "./server-manager.js";

const reason = new Error("enough");
const aborted = { code: "IPC_ABORTED", name: "AbortError", cause: reason };

describe("startServerManager", () => {
  it("resolves when it listens at two endpoints, for its user only, and leaves no file after close", async () => {
    const directory = temporaryDirectory();
    const manager = untilTestEnds(await startServerManager({ name, directory }));
    expect(manager).toMatchObject({
      status: "Listening",
      statusCode: 1,
      address: join(directory, "orders.sock"),
      stats: { connections: 0, detached: 0, unreadBytes: 0, queuedBytes: 0 },
    });
    expect([...manager.connections]).toEqual([]);
    expect(readdirSync(directory).sort()).toEqual(["orders.sock", "orders_manager.sock"]);
    for (const file of readdirSync(directory)) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
    await manager.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("reports the real port when the system chose it", async () => {
    const manager = untilTestEnds(await startServerManager({ name, transport: tcp({ port: 0 }) }));
    expect(manager.address).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
  });

  it("rejects with IPC_ADDRESS_IN_USE when a manager listens already, and leaves that manager undisturbed (golang-ipc: row 2)", async () => {
    const directory = temporaryDirectory();
    const first = untilTestEnds(await startServerManager({ name, directory }));
    expect(await failureOf(startServerManager({ name, directory }))).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    const connected = nextEvent(first, "connection");
    await openFarClient(directory, name);
    await connected;
    expect(readdirSync(directory).sort()).toEqual(["orders.sock", "orders_manager.sock"]);
  });

  it("rejects with AbortError, the signal's reason as its cause, before, during and right after listening", async () => {
    const directory = temporaryDirectory();
    const before = { name, directory, signal: AbortSignal.abort(reason) };
    expect(await failureOf(startServerManager(before))).toMatchObject(aborted);

    const during = new AbortController();
    const starting = failureOf(startServerManager({ name, directory, signal: during.signal }));
    during.abort(reason);
    expect(await starting).toMatchObject(aborted);
    expect(readdirSync(directory)).toEqual([]);

    const after = new AbortController();
    const world = memory();
    const transport: Transport = {
      ...world,
      async listen(...given) {
        const listener = await world.listen(...given);
        if (given[1].kind === "manager") after.abort(reason);
        return listener;
      },
    };
    expect(await failureOf(startServerManager({ name, transport, signal: after.signal }))).toMatchObject(aborted);
    untilTestEnds(await startServerManager({ name, transport: world }));
  });
});

describe("an endpoint that is lost before the manager has started", () => {
  it("makes startServerManager reject with its error, and the other endpoints are closed", async () => {
    const world = memory();
    const error = new TransportError("IPC_LISTENER_LOST", "the socket is gone");
    let loseName = (): void => {};
    const transport: Transport = {
      ...world,
      async listen(listenName, endpoint, onStream, options) {
        if (endpoint.kind === "name") loseName = () => options.onLost?.(error);
        if (endpoint.kind === "manager") loseName();
        return world.listen(listenName, endpoint, onStream, options);
      },
    };
    expect(await failureOf(startServerManager({ name, transport }))).toBe(error);
    untilTestEnds(await startServerManager({ name, transport: world }));
  });
});

describe("a client that connects while the manager starts", () => {
  /** A transport with so many clients connected, and `then` called, before a manager's last endpoint is open. */
  function eager(count: number, then: () => void = () => {}): { transport: Transport; clients: Session[] } {
    const world = memory();
    const clients: Session[] = [];
    const transport: Transport = {
      ...world,
      async listen(...given) {
        if (given[1].kind === "manager") {
          const served = nextHandshakes(name, count);
          for (let index = 0; index < count; index++) {
            const client = await openFarClient(world, name);
            await client.write(1, `early ${index}`);
            clients.push(client);
          }
          await served;
          then();
        }
        return world.listen(...given);
      },
    };
    return { transport, clients };
  }

  it("is emitted to listeners that are added as soon as the manager has started, and loses no message", async () => {
    const { transport } = eager(3);
    const manager = untilTestEnds(await startServerManager({ name, transport }));
    expect(manager.connections.size).toBe(0);
    const connections = collect(manager, "connection");
    const messages = collect(manager, "message");
    await eventually(() => expect(messages.length).toBe(3));
    expect(messages.map(([{ id }, message]) => [id, message.text()])).toEqual([
      [1, "early 0"],
      [2, "early 1"],
      [3, "early 2"],
    ]);
    expect(connections.map(([connection]) => connection)).toEqual([...manager.connections.values()]);
  });

  it("is disconnected when the start fails, and keeps nothing open", async () => {
    const failure = new TransportError("IPC_PERMISSION_DENIED", "no second endpoint");
    const { transport, clients } = eager(2, () => {
      throw failure;
    });
    expect(await failureOf(startServerManager({ name, transport }))).toBe(failure);
    for (const client of clients) await readUntil(client, "Disconnected");
  });

  it.each(["close", "destroy"] as const)("is disconnected by a %s in the same tick, without an event", async (end) => {
    const { transport, clients } = eager(2);
    const manager = await startServerManager({ name, transport });
    const connections = collect(manager, "connection");
    await manager[end]();
    for (const client of clients) await readUntil(client, "Disconnected");
    expect(connections).toEqual([]);
  });

  it.each(["close", "destroy"] as const)(
    "is disconnected when the listener of another client ends the manager by %s",
    async (end) => {
      const { transport, clients } = eager(3);
      const manager = untilTestEnds(await startServerManager({ name, transport }));
      const told: number[] = [];
      manager.on("connection", ({ id }) => {
        told.push(id);
        void manager[end]();
      });
      for (const client of clients) await readUntil(client, "Disconnected");
      await manager.close();
      expect(told).toEqual([1]);
      expect(manager.connections.size).toBe(0);
    },
  );
});
