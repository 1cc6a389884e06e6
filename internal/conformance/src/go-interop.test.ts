import { once } from "node:events";
import { type AddressInfo, connect, createServer, type NetConnectOpts } from "node:net";
import { type Client, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { tcp } from "@ipc/transport";
import { expect, it, onTestFinished } from "vitest";
import { nextEvent } from "../../testkit/src/peer-watch.js";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { OurEnd } from "./our-end.js";
import { tallyOf } from "./peer-protocol.js";

const directory = GO_DIRECTORY;
const MAX_MESSAGE_SIZE = 3_145_728;
/** A Go server never ends its side: each close of ours waits 250 ms for that. */
const RECONNECTS = 10;
const LARGEST = 3;
const HEARTBEAT_MS = 20;
const MANY = { count: 10_000, size: 64 };

for (const encryption of [true, false]) {
  const words = encryption ? "encrypted" : "plain";
  const mode = encryption ? "compatible" : "plain";

  describeWithGo(`a Go client of our server, ${words}`, (goPeer) => {
    /** Runs `test` with our server answering; ends it afterwards, and its answering with it. */
    async function withServer(test: (server: Server, name: string, end: OurEnd) => Promise<void>): Promise<void> {
      const name = uniqueName();
      await using server = await startServer({ name, directory, encryption });
      const end = new OurEnd(server);
      await test(server, name, end);
      await server.close();
      await end.ended;
    }

    it("has 0 bytes, 1 byte and 64 KiB echoed, under the lowest and the highest type", () =>
      withServer(async (server, name) => {
        await using go = new GoPeer(goPeer, { role: "client", name, encryption });
        await go.start();
        for (const size of [0, 1, 65_536]) {
          await go.echo({ type: 1, count: 1, size });
          await go.echo({ type: 2 ** 32 - 1, count: 1, size });
        }
        expect(server.security.mode).toBe(mode);
        await go.close();
        expect(go.errors).toEqual([]);
      }));

    it("has messages of exactly maxMessageSize echoed", () =>
      withServer(async (_server, name) => {
        await using go = new GoPeer(goPeer, { role: "client", name, encryption });
        await go.start();
        await go.echo({ count: LARGEST, size: MAX_MESSAGE_SIZE });
      }));

    it("sends and receives 10 000 one-way messages of 64 bytes, all of them in order", () =>
      withServer(async (_server, name, end) => {
        await using go = new GoPeer(goPeer, { role: "client", name, encryption });
        await go.start();
        expect(await go.send(MANY)).toMatchObject(tallyOf(MANY));
        expect(await go.report()).toMatchObject(tallyOf(MANY));
        expect(await end.send(MANY)).toEqual(tallyOf(MANY));
        expect(await end.report()).toMatchObject(tallyOf(MANY));
      }));

    it("is reported as silent while it sends nothing, and stays connected", async () => {
      const name = uniqueName();
      await using server = await startServer({ name, directory, encryption, heartbeatMs: HEARTBEAT_MS });
      new OurEnd(server);
      const silent = nextEvent(server, "silent");
      await using go = new GoPeer(goPeer, { role: "client", name, encryption });
      await go.start();
      expect(await silent).toBeGreaterThanOrEqual(4 * HEARTBEAT_MS);
      await go.echo({ count: 2, size: 64 });
      expect(go.errors).toEqual([]);
    });

    it(`reconnects in an orderly way, ${RECONNECTS} times`, () =>
      withServer(async (server, name, end) => {
        const lost: string[] = [];
        server.on("lost", ({ code }) => lost.push(code));
        await using go = new GoPeer(goPeer, { role: "client", name, encryption });
        for (let round = 0; round <= RECONNECTS; round++) {
          await go.start();
          await go.echo({ count: 1, size: 1_000 });
          await go.close();
          await end.status("Disconnected");
        }
        expect(server.stats.reconnects).toBe(RECONNECTS);
        expect([go.errors, lost]).toEqual([[], []]);
      }));

    it("is refused at once while another is connected, which keeps working", () =>
      withServer(async (server, name) => {
        const refused: string[] = [];
        server.on("refused", (error) => refused.push(error.code));
        await using first = new GoPeer(goPeer, { role: "client", name, encryption });
        await using second = new GoPeer(goPeer, { role: "client", name, encryption, timeoutMs: 0 });
        await first.start();
        // golang-ipc's words for hello 02 FF; it would wait for ever where it is not told.
        await expect(second.start()).rejects.toThrow(/without encryption|max message length/);
        await first.echo({ count: 2, size: 1_000 });
        expect(refused).toEqual(["IPC_SERVER_BUSY"]);
      }));

    it("reconnects by itself to a server that was started again", async () => {
      const name = uniqueName();
      await using go = new GoPeer(goPeer, { role: "client", name, encryption });
      {
        await using server = await startServer({ name, directory, encryption });
        new OurEnd(server);
        await go.start();
        await go.echo({ count: 1, size: 64 });
        await server.close();
      }
      await go.status("Reconnecting");
      await using server = await startServer({ name, directory, encryption });
      new OurEnd(server);
      await go.status("Connected");
      await go.echo({ count: 1, size: 64 });
    });

    it("gets no message over its limit: the write is rejected before anything is sent", () =>
      withServer(async (server, name, end) => {
        await using go = new GoPeer(goPeer, { role: "client", name, encryption });
        await go.start();
        await expectRefused(server);
        await end.echo({ count: 1, size: 64 });
      }));
  });

  describeWithGo(`our client of a Go server, ${words}`, (goPeer) => {
    /** Runs `test` with a Go server that listens and a client of ours that is connected to it. */
    async function withClient(
      test: (end: OurEnd, client: Client, go: GoPeer, name: string) => Promise<void>,
    ): Promise<void> {
      const name = uniqueName();
      await using go = new GoPeer(goPeer, { role: "server", name, encryption });
      await go.start();
      await using client = await startClient({ name, directory, encryption });
      await test(new OurEnd(client), client, go, name);
      await client.close();
      await go.status("Disconnected");
      expect(go.errors).toEqual([]);
    }

    it("has 0 bytes, 1 byte and 64 KiB echoed, under the lowest and the highest type", () =>
      withClient(async (end, client) => {
        for (const size of [0, 1, 65_536]) {
          await end.echo({ type: 1, count: 1, size });
          await end.echo({ type: 2 ** 32 - 1, count: 1, size });
        }
        expect(client.security.mode).toBe(mode);
      }));

    it("has messages of exactly maxMessageSize echoed", () =>
      withClient((end) => end.echo({ count: LARGEST, size: MAX_MESSAGE_SIZE })));

    it("sends and receives 10 000 one-way messages of 64 bytes, all of them in order", () =>
      withClient(async (end, _client, go) => {
        expect(await end.send(MANY)).toEqual(tallyOf(MANY));
        expect(await end.report()).toMatchObject(tallyOf(MANY));
        expect(await go.send(MANY)).toMatchObject(tallyOf(MANY));
        expect(await go.report()).toMatchObject(tallyOf(MANY));
      }));

    it("reports the server as silent while it sends nothing, and stays connected", async () => {
      const name = uniqueName();
      await using go = new GoPeer(goPeer, { role: "server", name, encryption });
      await go.start();
      await using client = await startClient({ name, directory, encryption, heartbeatMs: HEARTBEAT_MS });
      expect(await nextEvent(client, "silent")).toBeGreaterThanOrEqual(4 * HEARTBEAT_MS);
      await new OurEnd(client).echo({ count: 2, size: 64 });
      expect(go.errors).toEqual([]);
    });

    it(`is served after ${RECONNECTS} others, one at a time`, async () => {
      const name = uniqueName();
      await using go = new GoPeer(goPeer, { role: "server", name, encryption });
      await go.start();
      for (let round = 0; round <= RECONNECTS; round++) {
        await using client = await startClient({ name, directory, encryption });
        await new OurEnd(client).echo({ count: 1, size: 1_000 });
        await client.close();
        await go.status("Disconnected"); // dialled earlier, a Go server accepts and never serves
      }
      expect(go.errors).toEqual([]);
    });

    it(`reconnects by itself to a server that was started again, ${RECONNECTS} times`, () =>
      withClient(async (end, client, go) => {
        const lost: string[] = [];
        client.on("lost", ({ code }) => lost.push(code));
        for (let round = 0; round < RECONNECTS; round++) {
          await end.echo({ count: 1, size: 64 });
          await go.close();
          await end.status("Reconnecting");
          await go.start();
          await end.status("Connected");
        }
        await end.echo({ count: 1, size: 64 });
        expect(client.stats.reconnects).toBe(RECONNECTS);
        expect(lost).toEqual(new Array(RECONNECTS).fill("IPC_PEER_CLOSED"));
      }));

    it("gives up with a typed error while another is connected, which keeps working", () =>
      withClient(async (end, _client, _go, name) => {
        // A Go server accepts it, and neither serves nor closes.
        const second = { name, directory, encryption, handshakeTimeoutMs: 100 };
        await expect(startClient({ ...second, retry: false })).rejects.toMatchObject({ code: "IPC_HANDSHAKE_TIMEOUT" });
        await expect(startClient({ ...second, timeoutMs: 300 })).rejects.toMatchObject({ code: "IPC_TIMED_OUT" });
        await end.echo({ count: 2, size: 1_000 });
      }));

    it("rejects a write over the limit before anything is sent", () =>
      withClient(async (end, client) => {
        await expectRefused(client);
        await end.echo({ count: 1, size: 64 });
      }));
  });

  describeWithGo(`through a relay between golang-ipc's unix socket and TCP, ${words}`, (goPeer) => {
    it("a Go client has messages echoed by our server", async () => {
      const name = uniqueName();
      await using server = await startServer({ name, encryption, transport: tcp({ port: 0 }) });
      new OurEnd(server);
      const port = Number(server.address.split(":")[1]);
      await relay({ path: `${GO_DIRECTORY}/${name}.sock` }, { host: "127.0.0.1", port });
      await using go = new GoPeer(goPeer, { role: "client", name, encryption });
      await go.start();
      await go.echo({ count: 3, size: 65_536 });
      await go.close();
    });

    it("our client has messages echoed by a Go server", async () => {
      const name = uniqueName();
      await using go = new GoPeer(goPeer, { role: "server", name, encryption });
      await go.start();
      const port = await relay({ host: "127.0.0.1", port: 0 }, { path: `${GO_DIRECTORY}/${name}.sock` });
      await using client = await startClient({ name, encryption, transport: tcp({ port }) });
      await new OurEnd(client).echo({ count: 3, size: 65_536 });
      await client.close();
      await go.status("Disconnected");
    });
  });
}

/** Passes on all bytes of each connection, and the ends of both streams. Resolves with the port, where it listens at one. */
async function relay(near: { host: string; port: number } | { path: string }, far: NetConnectOpts): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const other = connect({ ...far, allowHalfOpen: true });
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const)
      from.on("error", () => to.destroy()).pipe(to);
  });
  onTestFinished(() => void server.close());
  server.listen(near);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function expectRefused(peer: Client | Server): Promise<void> {
  const refused = peer.write(1, new Uint8Array(MAX_MESSAGE_SIZE + 1));
  await expect(refused).rejects.toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE" });
  await expect(refused).rejects.toThrow(`${MAX_MESSAGE_SIZE + 1}`);
  await expect(refused).rejects.toThrow(`${MAX_MESSAGE_SIZE}`);
}
