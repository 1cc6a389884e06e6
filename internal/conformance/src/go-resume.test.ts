import { once } from "node:events";
import { type AddressInfo, connect, createServer, type NetConnectOpts } from "node:net";
import { startClient } from "@ipc/client";
import { type ServerConnection, startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { tcp } from "@ipc/transport";
import { expect, it } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { nextEvent } from "../../testkit/src/peer-watch.js";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { OurEnd } from "./our-end.js";
import { tallyOf } from "./peer-protocol.js";

const directory = GO_DIRECTORY;
const taken = { until: "taken" } as const;
const REFUSED = { code: "IPC_NOT_RESUMABLE" };
/** More than are acknowledged at once. */
const MANY = { count: 200, size: 64 };
const COMPATIBLE = { mode: "compatible", peer: { psk: false } };

interface Relay extends Disposable {
  readonly port: number;
  /** To golang-ipc. */
  readonly bytes: number;
}

/** Passes on all bytes of each connection, and counts those to golang-ipc. */
async function relay(
  near: { host: string; port: number } | { path: string },
  far: NetConnectOpts,
  goIs: "near" | "far",
): Promise<Relay> {
  let bytes = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const other = connect({ ...far, allowHalfOpen: true });
    (goIs === "near" ? other : socket).on("data", (chunk) => {
      bytes += chunk.length;
    });
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const)
      from.on("error", () => to.destroy()).pipe(to);
  });
  server.listen(near);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get bytes() {
      return bytes;
    },
    [Symbol.dispose]: () => void server.close(),
  };
}

/** Sends messages both ways, each a round and all at once. */
async function converse(go: GoPeer, end: OurEnd): Promise<void> {
  expect(await go.send(MANY)).toMatchObject(tallyOf(MANY));
  expect(await go.report()).toMatchObject(tallyOf(MANY));
  expect(await end.send(MANY)).toEqual(tallyOf(MANY));
  expect(await end.report()).toMatchObject(tallyOf(MANY));
  await go.echo({ type: 7, count: 100, size: 1_000 });
}

describeWithGo("a Go client of our server that has `resume`", (goPeer) => {
  it("exchanges messages as without, and the server says that it cannot resume", async () => {
    const name = uniqueName();
    await using server = await startServer({ name, directory, resume: true });
    const lost: string[] = [];
    server.on("lost", ({ code }) => lost.push(code));
    const end = new OurEnd(server);
    await using go = new GoPeer(goPeer, { role: "client", name, encryption: true });
    await go.start();
    await converse(go, end);
    expect(server.security).toEqual(COMPATIBLE);
    await expect(server.write(1, "x", taken)).rejects.toMatchObject(REFUSED);
    await expect(server.flush(taken)).rejects.toMatchObject(REFUSED);
    await go.close();
    await end.status("Disconnected");
    await expect(server.write(1, "x")).rejects.toMatchObject({ code: "IPC_NOT_CONNECTED" });
    expect([lost, server.stats.resumes, go.errors]).toEqual([[], 0, []]);
  });

  it("is refused with IPC_NOT_RESUMABLE where `resume.require` demands it", async () => {
    const name = uniqueName();
    await using server = await startServer({ name, directory, resume: { require: true } });
    const refused = nextEvent(server, "refused");
    await using go = new GoPeer(goPeer, { role: "client", name, encryption: true });
    await go.start();
    expect(await refused).toMatchObject(REFUSED);
    expect(server.status).toBe("Listening");
  });

  it("is sent as many bytes as by a server without it", async () => {
    const bytes: number[] = [];
    for (const resume of [true, false]) {
      const name = uniqueName();
      await using server = await startServer({ name, transport: tcp({ port: 0 }), resume });
      const end = new OurEnd(server);
      const port = Number(server.address.split(":")[1]);
      using between = await relay({ path: `${directory}/${name}.sock` }, { host: "127.0.0.1", port }, "near");
      await using go = new GoPeer(goPeer, { role: "client", name, encryption: true });
      await go.start();
      await converse(go, end);
      bytes.push(between.bytes);
    }
    expect(bytes[0]).toBe(bytes[1]);
  });
});

describeWithGo("our client that has `resume`, of a Go server", (goPeer) => {
  it("exchanges messages as without, and is told of each end as without", async () => {
    const name = uniqueName();
    await using go = new GoPeer(goPeer, { role: "server", name, encryption: true });
    await go.start();
    await using client = await startClient({ name, directory, resume: true });
    const lost: string[] = [];
    client.on("lost", ({ code }) => lost.push(code));
    const end = new OurEnd(client);
    for (let round = 1; round <= 2; round++) {
      await converse(go, end);
      expect(client.security).toEqual(COMPATIBLE);
      await expect(client.write(1, "x", taken)).rejects.toMatchObject(REFUSED);
      await go.close();
      await end.status("Reconnecting");
      await expect(client.write(1, "x")).rejects.toMatchObject({ code: "IPC_NOT_CONNECTED" });
      await go.start();
      await end.status("Connected");
    }
    expect([client.stats.resumes, client.stats.reconnects, lost]).toEqual([
      0,
      2,
      ["IPC_PEER_CLOSED", "IPC_PEER_CLOSED"],
    ]);
    await client.close();
    await go.status("Disconnected");
    expect(go.errors).toEqual([]);
  });

  it("sends as many bytes as without", async () => {
    const bytes: number[] = [];
    for (const resume of [true, false]) {
      const name = uniqueName();
      await using go = new GoPeer(goPeer, { role: "server", name, encryption: true });
      await go.start();
      const far = { path: `${directory}/${name}.sock` };
      using between = await relay({ host: "127.0.0.1", port: 0 }, far, "far");
      await using client = await startClient({ name, transport: tcp({ port: between.port }), resume });
      await converse(go, new OurEnd(client));
      bytes.push(between.bytes);
      await client.close();
      await go.status("Disconnected");
    }
    expect(bytes[0]).toBe(bytes[1]);
  });

  it.each([
    ["with IPC_ENCRYPTION_REFUSED if that is plain", true, false, "IPC_ENCRYPTION_REFUSED"],
    ["with IPC_NOT_RESUMABLE where `resume.require` demands it", { require: true }, true, "IPC_NOT_RESUMABLE"],
  ])("rejects %s", async (_how, resume, encryption, code) => {
    const name = uniqueName();
    await using go = new GoPeer(goPeer, { role: "server", name, encryption });
    await go.start();
    await expect(startClient({ name, directory, resume, retry: false })).rejects.toMatchObject({ code });
  });
});

describeWithGo("our manager that has `resume`", (goPeer) => {
  it("serves Go clients of both endpoints beside one that resumes, which alone outlives its connection", async () => {
    const name = uniqueName();
    await using manager = await startServerManager({ name, directory, resume: true });
    const ends = new Map<ServerConnection, OurEnd>();
    const gone: (string | undefined)[] = [];
    manager.on("connection", (connection) => void ends.set(connection, new OurEnd(connection)));
    manager.on("disconnection", (_connection, error) => void gone.push(error?.code));
    await using plain = new GoPeer(goPeer, { role: "client", name, encryption: true });
    await using multi = new GoPeer(goPeer, { role: "client", name, encryption: true, multiClient: true });
    for (const [index, go] of [plain, multi].entries()) {
      await go.start();
      await eventually(() => expect(ends.size).toBe(index + 1));
      const [connection, end] = [...ends][index] as [ServerConnection, OurEnd];
      await converse(go, end);
      expect(connection.security).toEqual(COMPATIBLE);
      await expect(connection.write(1, "x", taken)).rejects.toMatchObject(REFUSED);
      await expect(connection.flush(taken)).rejects.toMatchObject(REFUSED);
    }
    const client = await startClient({ name, directory, resume: true });
    await new OurEnd(client).echo({ count: 100, size: 1_000 });
    expect(client.security.resumable).toBe(true);
    await Promise.all([plain, multi].map((go) => go[Symbol.asyncDispose]()));
    await eventually(() => expect(manager.stats).toMatchObject({ connections: 1, detached: 0 }));
    client.destroy();
    await eventually(() => expect(manager.stats).toMatchObject({ connections: 1, detached: 1 }));
    expect(gone).toHaveLength(2);
    manager.destroy();
  });

  it("lets a Go client in for a moment when it is full, cuts it, and serves its own client meanwhile", async () => {
    const name = uniqueName();
    await using manager = await startServerManager({ name, directory, resume: true, maxConnections: 1 });
    manager.on("message", (connection, { type, data }) => void connection.write(type, data));
    const refused: string[] = [];
    manager.on("refused", ({ code }) => void refused.push(code));
    await using client = await startClient({ name, directory, resume: true });
    await using go = new GoPeer(goPeer, { role: "client", name, encryption: true });
    await go.start();
    await go.status("Reconnecting");
    await new OurEnd(client).echo({ count: 10, size: 1_000 });
    expect([new Set(refused), manager.connections.size]).toEqual([new Set(["IPC_SERVER_BUSY"]), 1]);
    await client.close();
    await go.status("Connected");
    await eventually(() => expect(manager.connections.size).toBe(1));
    manager.destroy();
  });
});
