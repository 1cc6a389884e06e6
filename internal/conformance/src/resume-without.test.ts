import type { Duplex } from "node:stream";
import { type Client, type ClientOptions, type DataMessage, type Peer, startClient } from "@ipc/client";
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
  const until = { until: "x" as "taken" };
  const refusal = 'until` takes "taken", got "x"';

  /** Checks each way to send of an end that has received a message. */
  async function expectRefused(
    peer: Pick<Peer, "write" | "flush">,
    message: Pick<DataMessage, "reply">,
  ): Promise<void> {
    for (const refused of [peer.write(1, "x", until), peer.flush(until), message.reply(1, "x", until)]) {
      await expect(refused).rejects.toThrow(TypeError);
      await expect(refused).rejects.toThrow(refusal);
    }
  }

  it.each([true, false])("is rejected with a TypeError by a client and a server, with `resume: %s`", async (resume) => {
    const { client, server } = await startPair(memory(), { resume }, { resume });
    await Promise.all([client.write(1, "to the server"), server.write(1, "to the client")]);
    for (const peer of [client, server]) await expectRefused(peer, await readData(peer as Peer));
  });

  it.each([true, false])(
    "is rejected with a TypeError by a manager's connection, with `resume: %s`",
    async (resume) => {
      const transport = memory();
      const manager = untilTestEnds(await startServerManager({ name, transport, resume }));
      const arriving = new Promise<[ServerConnection, DataMessage]>((resolve) =>
        manager.once("message", (connection, message) => resolve([connection, message])),
      );
      const client = untilTestEnds(await startClient({ name, transport, resume }));
      await client.write(1, "to the manager");
      await expectRefused(...(await arriving));
    },
  );
});

describe("a reply at a manager's connection, to a message of before the cut", () => {
  it("arrives over the next one, with `until` and without", async () => {
    const transport = new CutTransport();
    const manager = untilTestEnds(await startServerManager({ name, transport, resume: true }));
    const arriving = new Promise<DataMessage>((resolve) =>
      manager.once("message", (_from, message) => resolve(message)),
    );
    const client = untilTestEnds(await startClient({ name, transport, resume: true, retryMs: 1 }));
    await client.write(1, "question");
    const question = await arriving;
    transport.cut();
    await eventually(() => expect(manager.stats.detached).toBe(1));
    const replied = question.reply(2, "answer", taken);
    expect((await readData(client as Peer)).text()).toBe("answer");
    const next = readData(client as Peer);
    await replied;
    await question.reply(2, "another");
    expect((await next).text()).toBe("another");
    expect(client.stats.resumes).toBe(1);
  });
});

describe("a peer without `resume`", () => {
  /** Lets the peers echo one message after another, and returns the bytes that each has sent. */
  async function bytesOf(ofClient: boolean, ofServer: boolean): Promise<readonly number[]> {
    const transport = memory();
    const streams: Duplex[] = [];
    const counted: Transport = {
      ...transport,
      listen: (where, endpoint, accept, options) =>
        transport.listen(where, endpoint, (stream) => void (streams.push(stream) && accept(stream)), options),
    };
    const sent = [0, 0];
    const { client, server } = await startPair(counted, { resume: ofClient }, { resume: ofServer });
    server.on("message", (message) => message.reply(1, message.data));
    // Those of the handshake are counted by nothing: `resume` changes bits of it only.
    const [stream] = streams as [Duplex];
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
      sent[1] = (sent[1] as number) + chunk.length;
      return write(chunk, ...rest);
    }) as typeof stream.write;
    stream.prependListener("data", (chunk: Uint8Array) => {
      sent[0] = (sent[0] as number) + chunk.length;
    });
    for (let each = 0; each < 200; each++) {
      await client.write(1, "x");
      await readData(client as Peer);
    }
    return sent;
  }

  it("is sent nothing but its messages by one that has it, no acknowledgement either", async () => {
    const without = await bytesOf(false, false);
    expect(await bytesOf(true, false)).toEqual(without);
    expect(await bytesOf(false, true)).toEqual(without);
    // As this counts those of two peers that have it.
    const both = await bytesOf(true, true);
    for (const [side, bytes] of both.entries()) expect(bytes).toBeGreaterThan(without[side] as number);
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
