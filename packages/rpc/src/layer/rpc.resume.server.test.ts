import { startClient } from "@ipc/client";
import { type ServerConnection, startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { describe, expect, test } from "vitest";
import { CutSockets } from "../../../../internal/testkit/src/cut-sockets.js";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { rejection } from "../../test/both-sides.js";
import { method, stream } from "../contract/method.js";
import { rpc, serve } from "./rpc.js";

const name = "orders";
const screen = { wait: method<number, string>(), give: stream<number, number>() };

describe("after a restart of the client", () => {
  /** Serves the calls of `give` and `wait`, of which the latter are not answered. */
  async function startScreen(sockets: CutSockets) {
    const client = untilTestEnds(await startClient({ name, transport: sockets, resume: true, retryMs: 1 }));
    let calls = 0;
    serve(client, screen, {
      wait: () => {
        calls++;
        return new Promise(() => {});
      },
      async *give(items) {
        for (let at = 0; at < items; at++) yield at;
      },
    });
    return { client, calls: () => calls };
  }

  const screenOf = (peer: Parameters<typeof rpc>[0]) => rpc(peer).remote(screen);

  /** Reads one item; returns why the others do not come. */
  async function brokenStream(remote: ReturnType<typeof screenOf>): Promise<() => Promise<unknown>> {
    const items = remote.give(1_000_000)[Symbol.asyncIterator]();
    await items.next();
    return () =>
      rejection(
        (async () => {
          while ((await items.next()).done !== true);
        })(),
      );
  }

  test("a server knows which of its calls have surely not run, and which have", async () => {
    const sockets = new CutSockets();
    const server = untilTestEnds(await startServer({ name, transport: sockets, resume: true }));
    const { client, calls } = await startScreen(sockets);
    const remote = screenOf(server);
    const sent = rejection(remote.wait(1));
    const given = await brokenStream(remote);
    await eventually(() => expect(calls()).toBe(1));
    client.destroy();
    await eventually(() => expect(server.status).toBe("Reconnecting"));
    const unsent = rejection(remote.wait(2));
    const next = await startScreen(sockets);
    expect(await sent).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe", cause: { code: "IPC_SESSION_LOST" } });
    expect(await unsent).toMatchObject({ code: "IPC_CALL_LOST", executed: "no" });
    expect(await given()).toMatchObject({ code: "IPC_CALL_LOST", executed: "yes" });
    void remote.wait(3).catch(() => {});
    await eventually(() => expect(next.calls()).toBe(1));
  });

  test("a manager's connection knows it when the session has expired", async () => {
    const sockets = new CutSockets();
    const resume = { ttlMs: 1 };
    const manager = untilTestEnds(await startServerManager({ name, transport: sockets, resume }));
    const { client, calls } = await startScreen(sockets);
    await eventually(() => expect(manager.connections.size).toBe(1));
    const connection = [...manager.connections.values()][0] as ServerConnection;
    const remote = screenOf(connection);
    const sent = rejection(remote.wait(1));
    const given = await brokenStream(remote);
    await eventually(() => expect(calls()).toBe(1));
    const unsent = new Promise<unknown>((resolve) => {
      connection.on("status", (status) => {
        if (status === "Reconnecting") resolve(rejection(remote.wait(2)));
      });
    });
    client.destroy();
    expect(await sent).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(await unsent).toMatchObject({ code: "IPC_CALL_LOST", executed: "no" });
    expect(await given()).toMatchObject({ code: "IPC_CALL_LOST", executed: "yes" });
  });
});
