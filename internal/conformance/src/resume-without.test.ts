import { type Client, type ClientOptions, type Peer, startClient } from "@ipc/client";
import { type ServerConnection, startServerManager } from "@ipc/manager";
import { type Server, type ServerOptions, startServer } from "@ipc/server";
import { memory, type Transport } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { CutTransport } from "../../testkit/src/cut-transport.js";
import { eventually } from "../../testkit/src/eventually.js";
import { readData } from "../../testkit/src/peer-watch.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";
const taken = { until: "taken" } as const;
const REFUSED = { code: "IPC_NOT_RESUMABLE" };

const starts = [
  ["startClient", (options: object) => startClient({ name, retry: false, ...options })],
  ["startServer", (options: object) => startServer({ name, ...options })],
  ["startServerManager", (options: object) => startServerManager({ name, ...options })],
] as const;

describe.each(starts)("%s", (what, start) => {
  it.each([
    ["beside `encryption: false`", { resume: true, encryption: false }, TypeError],
    ['beside `wire: "golang-ipc"`', { resume: true, wire: "golang-ipc" }, TypeError],
    ["with an unknown option", { resume: { ttl: 1 } }, TypeError],
    ["out of range", { resume: { ttlMs: 0 } }, RangeError],
  ])("rejects `resume` %s", async (_why, options, kind) => {
    const failed = start({ transport: memory(), ...options });
    await expect(failed).rejects.toThrow(kind);
    await expect(failed).rejects.toThrow(`${what}: `);
    await expect(failed).rejects.toThrow("resume");
  });
});

interface Pair {
  readonly client: Client;
  readonly server: Server;
}

async function startPair(
  transport: Transport,
  ofClient: Partial<ClientOptions>,
  ofServer: Partial<ServerOptions>,
): Promise<Pair> {
  const server = untilTestEnds(await startServer({ name, transport, ...ofServer }));
  const client = untilTestEnds(await startClient({ name, transport, retryMs: 1, ...ofClient }));
  await eventually(() => expect(server.status).toBe("Connected"));
  return { client, server };
}

describe.each([
  ["neither side", {}, {}],
  ["only the client", { resume: true }, {}],
  ["only the server", {}, { resume: true }],
])('`until: "taken"` where %s has `resume`', (_which, ofClient, ofServer) => {
  it("is rejected with IPC_NOT_RESUMABLE by write, flush and reply of both, and nothing is sent", async () => {
    const { client, server } = await startPair(memory(), ofClient, ofServer);
    expect([client.security.resumable, server.security.resumable]).not.toContain(true);
    await Promise.all([client.write(1, "to the server"), server.write(1, "to the client")]);
    const messages = await Promise.all([readData(client as Peer), readData(server as Peer)]);
    for (const peer of [client, server]) {
      await expect(peer.write(1, "x", taken)).rejects.toMatchObject(REFUSED);
      await expect(peer.flush(taken)).rejects.toMatchObject(REFUSED);
    }
    for (const message of messages) await expect(message.reply(1, "x", taken)).rejects.toMatchObject(REFUSED);
    await Promise.all([client.write(1, "next"), server.write(1, "next")]);
    const next = await Promise.all([readData(client as Peer), readData(server as Peer)]);
    expect(next.map((message) => message.text())).toEqual(["next", "next"]);
  });

  it("is rejected with IPC_NOT_RESUMABLE by a manager's connection", async () => {
    const transport = memory();
    const manager = untilTestEnds(await startServerManager({ name, transport, ...ofServer }));
    const arriving = new Promise<ServerConnection>((resolve) => manager.once("connection", resolve));
    untilTestEnds(await startClient({ name, transport, ...ofClient }));
    const connection = await arriving;
    await expect(connection.write(1, "x", taken)).rejects.toMatchObject(REFUSED);
    await expect(connection.flush(taken)).rejects.toMatchObject(REFUSED);
  });
});

describe("`until` with another word", () => {
  it("is rejected with a TypeError, whether or not the session can be resumed", async () => {
    for (const resume of [true, false]) {
      const { client, server } = await startPair(memory(), { resume }, { resume });
      const until = { until: "x" as "taken" };
      for (const peer of [client, server]) await expect(peer.write(1, "x", until)).rejects.toThrow(TypeError);
    }
  });
});

describe("a client without `resume` at a server that has it", () => {
  it("loses its writes over a cut, and both sides are told IPC_CONNECTION_LOST", async () => {
    const transport = new CutTransport();
    const { client, server } = await startPair(transport, {}, { resume: true });
    const lost: string[] = [];
    client.on("lost", ({ code }) => lost.push(`client: ${code}`));
    server.on("lost", ({ code }) => lost.push(`server: ${code}`));
    transport.cut();
    await eventually(() => expect(client.status).toBe("Reconnecting"));
    await expect(client.write(1, "x")).rejects.toMatchObject({ code: "IPC_NOT_CONNECTED" });
    await eventually(() => expect([client.status, server.status]).toEqual(["Connected", "Connected"]));
    expect(lost.sort()).toEqual(["client: IPC_CONNECTION_LOST", "server: IPC_CONNECTION_LOST"]);
    expect([client.stats.resumes, server.stats.resumes, client.stats.reconnects]).toEqual([0, 0, 1]);
  });
});
