import { generateKeyPairSync } from "node:crypto";
import { type IpcError, type SecurityOptions, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type Server, startServer } from "@ipc/server";
import { expect, it } from "vitest";
import { failureOf, nextEvent } from "../../testkit/src/peer-watch.js";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { OurEnd } from "./our-end.js";

const directory = GO_DIRECTORY;
const psk = new Uint8Array(32).fill(7);
const { privateKey, publicKey } = generateKeyPairSync("ed25519");

const INSISTING: readonly (readonly [string, SecurityOptions])[] = [
  ["a pre-shared key", { psk }],
  ["a signature of the other side", { trustedPeers: [publicKey] }],
  ["its own signature", { identity: privateKey }],
  ["a secure session", { require: true }],
];

describeWithGo("a Go client of our server that insists", (goPeer) => {
  it.each(INSISTING)("on %s is refused, each time it dials, and the server says why", async (_what, security) => {
    const name = uniqueName();
    await using server = await startServer({ name, directory, security });
    const connected: string[] = [];
    server.on("status", (status) => connected.push(status));
    const refused: IpcError[] = [];
    const twice = new Promise<void>((resolve) => {
      server.on("refused", (error) => void (refused.push(error) === 2 && resolve()));
    });
    await using go = new GoPeer(goPeer, { role: "client", name, encryption: true });
    // It cannot know: its handshake is complete when it has answered the limits.
    await go.start();
    await twice;
    for (const error of refused) {
      expect(error).toMatchObject({
        code: "IPC_SECURITY_REFUSED",
        message:
          "client rejected: it selected golang-ipc's protocol, and `security.require` demands a secure session; a client needs @ipc and the keys",
      });
    }
    expect([server.status, connected]).toEqual(["Listening", []]);
  });

  it("accepts a client that has the key", async () => {
    const name = uniqueName();
    await using server = await startServer({ name, directory, security: { psk } });
    const end = new OurEnd(server);
    await using go = new GoPeer(goPeer, { role: "client", name, encryption: true });
    await go.start();
    await using client = await startClient({ name, directory, security: { psk } });
    await new OurEnd(client).echo({ count: 10, size: 1_000 });
    expect([client, server].map(({ security }) => security)).toEqual(
      new Array(2).fill({ mode: "secure", peer: { psk: true } }),
    );
    await client.close();
    await server.close();
    await end.ended;
  });
});

describeWithGo("a Go client of our manager that insists", (goPeer) => {
  it.each([
    ["at its shared endpoint", false],
    ["that asks for an id", true],
  ])("%s is refused, the manager says why, and serves a client that has the key", async (_what, multiClient) => {
    const name = uniqueName();
    await using manager = await startServerManager({ name, directory, security: { psk } });
    manager.on("message", (connection, { type, data }) => void connection.write(type, data));
    const refused = nextEvent(manager, "refused");
    await using go = new GoPeer(goPeer, { role: "client", name, encryption: true, multiClient });
    // golang-ipc's client waits for its id for ever when it is ended unanswered: it goes with its process.
    const started = go.start().catch((error: unknown) => error);
    expect(await refused).toMatchObject({
      code: "IPC_SECURITY_REFUSED",
      message: expect.stringContaining("client rejected: it selected golang-ipc's protocol"),
    });
    expect(manager.connections.size).toBe(0);
    await using client = await startClient({ name, directory, multiClient, security: { psk } });
    await new OurEnd(client).echo({ count: 10, size: 1_000 });
    await client.close();
    await go[Symbol.asyncDispose]();
    await started;
  });
});

describeWithGo("a Go client of our server that has a key, and does not insist", (goPeer) => {
  it("is served, in compatible mode, and so is a client that has the key, in a secure session", async () => {
    const name = uniqueName();
    await using server = await startServer({ name, directory, security: { psk, require: false } });
    const end = new OurEnd(server);
    await using go = new GoPeer(goPeer, { role: "client", name, encryption: true });
    await go.start();
    await go.echo({ count: 10, size: 1_000 });
    expect(server.security).toEqual({ mode: "compatible", peer: { psk: false } });
    await go.close();
    await end.status("Disconnected");
    await using client = await startClient({ name, directory, security: { psk } });
    await new OurEnd(client).echo({ count: 10, size: 1_000 });
    expect(server.security).toEqual({ mode: "secure", peer: { psk: true } });
    await client.close();
    await server.close();
    await end.ended;
  });
});

describeWithGo("our client that insists", (goPeer) => {
  const why =
    "offers only golang-ipc's protocol, and `security.require` demands a secure session; the server is golang-ipc, or a man in the middle removed the offer";

  // Whether that server serves the next one hangs on a race of golang-ipc's own: one that is dialled before it has seen the
  // last end accepts and never serves.
  it.each(INSISTING)("on %s refuses a Go server at once and says why", async (_what, security) => {
    const name = uniqueName();
    await using go = new GoPeer(goPeer, { role: "server", name, encryption: true });
    await go.start();
    expect(await failureOf(startClient({ name, directory, security }))).toMatchObject({
      code: "IPC_SECURITY_REFUSED",
      message: `server \`${name}\` ${why}`,
    });
  });

  it("on a pre-shared key is told that a Go server has no encryption", async () => {
    const name = uniqueName();
    await using go = new GoPeer(goPeer, { role: "server", name, encryption: false });
    await go.start();
    expect(await failureOf(startClient({ name, directory, security: { psk } }))).toMatchObject({
      code: "IPC_ENCRYPTION_REFUSED",
      message: expect.stringContaining("start a golang-ipc server with `Encryption: true`"),
    });
  });

  it("on a pre-shared key refuses a Go server for many clients before it asks for an id", async () => {
    const name = uniqueName();
    await using go = new GoPeer(goPeer, { role: "server", name, encryption: true, multiClient: true });
    await go.start();
    const refused = await failureOf(startClient({ name, directory, multiClient: true, security: { psk } }));
    expect(refused).toMatchObject({ code: "IPC_SECURITY_REFUSED", message: expect.stringContaining(why) });
  });
});

describeWithGo("a Go server in the place of one of ours", (goPeer) => {
  it("gets no connection from a client that had a secure session; the client waits for our server", async () => {
    const name = uniqueName();
    const ours = async (): Promise<Server> => {
      const server = await startServer({ name, directory });
      new OurEnd(server);
      return server;
    };
    const first = await ours();
    await using client = await startClient({ name, directory });
    const end = new OurEnd(client);
    await end.echo({ count: 1, size: 64 });
    await first.close();
    {
      await using go = new GoPeer(goPeer, { role: "server", name, encryption: true });
      await go.start();
      // It is dialled, and left.
      await go.status("Connected");
      await go.status("Disconnected");
      expect([client.status, client.stats.reconnects]).toEqual(["Reconnecting", 0]);
    }
    await using server = await ours();
    await end.status("Connected");
    await end.echo({ count: 1, size: 64 });
    expect(client.security.mode).toBe("secure");
    await client.close();
    await server.close();
  });
});
