import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ConnectionEvent, Session } from "@ipc/session";
import { clientIdRequest } from "@ipc/session/internal";
import { tcp } from "@ipc/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type ServerManager, startServerManager } from "./server-manager.js";

interface OneEndpoint {
  readonly manager: ServerManager;
  readonly open: () => Promise<Session>;
  /** Clients whose handshake is complete on the manager's side, too. */
  readonly arrived: () => number;
}

/** A manager with one shared endpoint: the first message distinguishes an id requester from a client. */
async function startOneEndpoint(name: string, maxConnections: number): Promise<OneEndpoint> {
  const manager = untilTestEnds(await startServerManager({ name, transport: tcp({ port: 0 }), maxConnections }));
  let arrived = 0;
  const count = (news: unknown): void => {
    const { role, name: whose } = news as ConnectionEvent;
    if (role === "server" && whose === name) arrived++;
  };
  subscribe("ipc:handshake", count);
  onTestFinished(() => void unsubscribe("ipc:handshake", count));
  const transport = tcp({ port: Number(manager.address.split(":").at(-1)) });
  return { manager, open: () => openFarClient(transport, name), arrived: () => arrived };
}

describe("with one shared endpoint, `maxConnections`", () => {
  it("counts connections that have not sent a message yet", async () => {
    const { manager, open, arrived } = await startOneEndpoint("silent", 2);
    const pass = stopClock();
    const ids: number[] = [];
    manager.on("connection", ({ id }) => ids.push(id));
    await Promise.all([open(), open()]);
    await eventually(() => expect(arrived()).toBe(2));
    expect(await failureOf(open())).toMatchObject({ code: "IPC_SERVER_BUSY" });
    expect(ids).toEqual([]);
    pass(100);
    expect(ids).toHaveLength(2);
    expect(manager.connections.size).toBe(2);
  });

  it("does not count a connection that asks for an id", async () => {
    stopClock();
    const { manager, open } = await startOneEndpoint("asking", 1);
    const request = await open();
    await request.writeMessage(clientIdRequest);
    await request.read(); // Connected
    await request.read(); // the id
    await (await open()).write(1, "hello");
    await eventually(() => expect(manager.connections.size).toBe(1));
  });
});
