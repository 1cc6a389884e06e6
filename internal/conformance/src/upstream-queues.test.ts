import { type Client, type ClientOptions, startClient } from "@ipc/client";
import { type Server, type ServerOptions, startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { cuttable } from "../../stress/src/soak/cuttable.js";
import { eventually } from "../../testkit/src/eventually.js";
import { FarServer } from "../../testkit/src/far-server.js";
import { collect, failureOf, nextEvent, readData, readToEnd, readUntil } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";
import { KINDS, NAME, startAttacked } from "../test/attacked.js";

// What is broken in golang-ipc's queues and calls, by the numbers of our list of its defects; each is a thing that ours does not do.

const NUMBERS: readonly number[] = Array.from({ length: 1_000 }, (_, index) => index + 1);

interface Pair {
  readonly server: Server;
  readonly client: Client;
  readonly connect: (options?: Partial<ClientOptions>) => Promise<Client>;
}

async function pair(options: Partial<ServerOptions> = {}): Promise<Pair> {
  const directory = temporaryDirectory();
  const server = untilTestEnds(await startServer({ name: NAME, directory, ...options }));
  const connect = async (more: Partial<ClientOptions> = {}): Promise<Client> =>
    untilTestEnds(await startClient({ name: NAME, directory, retryMs: 1, ...more }));
  return { server, connect, client: await connect() };
}

/** Reads so many messages; gives their types. */
async function readTypes(peer: Client | Server, count: number): Promise<number[]> {
  const types: number[] = [];
  while (types.length < count) {
    const { type, data } = await readData(peer);
    expect(data.length).toBe(type % 97);
    types.push(type);
  }
  return types;
}

describe("row 21: one more writer for each reconnect: messages out of order, frames interleaved", () => {
  it.each(KINDS)("after each of five cuts a thousand messages to a %s come back once, in order", async (kind) => {
    const target = await startAttacked(kind);
    const { transport, cut } = cuttable(target.directory);
    const client = await target.served({ transport });
    for (let round = 0; round < 5; round++) {
      const connected = nextEvent(client, "lost").then(() => readUntil(client, "Connected"));
      cut();
      await connected;
      const received = readTypes(client, NUMBERS.length);
      for (const number of NUMBERS) await client.write(number, new Uint8Array(number % 97));
      expect(await received).toEqual(NUMBERS);
    }
    expect(client.stats.reconnects).toBe(5);
  });
});

describe("row 22: a message queued for one client can reach another", () => {
  it("a server drops its queue when its client is cut", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name: NAME, directory }));
    const { transport, cut } = cuttable(directory);
    const first = untilTestEnds(await startClient({ name: NAME, transport, maxUnreadBytes: 1_024 }));
    const writes = Array.from({ length: 30 }, () => server.write(1, Buffer.alloc(60_000, "for the first")));
    const failures = Promise.allSettled(writes);
    await eventually(() => expect(server.stats.queuedBytes).toBeGreaterThan(1_048_576));
    cut();
    first.destroy();
    expect((await failures).filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
    const second = untilTestEnds(await startClient({ name: NAME, directory, retryMs: 1 }));
    const messages = collect(second, "message");
    await server.write(2, "for the second");
    await eventually(() => expect(messages).toHaveLength(1));
    expect(messages[0]?.text()).toBe("for the second");
  });
});

describe("row 23: a write returns nil, and the message is dropped in silence", () => {
  it("before the first client it waits for one, and when that has gone it rejects", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name: NAME, directory }));
    const writing = server.write(1, "for the first client");
    const client = untilTestEnds(await startClient({ name: NAME, directory }));
    await writing;
    expect((await readData(client)).text()).toBe("for the first client");
    await client.close();
    await readUntil(server, "Disconnected");
    expect(await failureOf(server.write(1, "into the void"))).toMatchObject({ code: "IPC_NOT_CONNECTED" });
  });

  it("on a connection that is cut it rejects, and says how many were accepted and not sent", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, NAME);
    const starting = startClient({ name: NAME, directory, retryMs: 1 });
    const session = await far.session({ maxUnreadBytes: 1_024 });
    const client = untilTestEnds(await starting);
    const writes = Array.from({ length: 30 }, () => client.write(1, Buffer.alloc(60_000)));
    const settled = Promise.allSettled(writes);
    const flushed = failureOf(client.flush());
    await eventually(() => expect(client.stats.queuedBytes).toBeGreaterThan(1_048_576));
    session.destroy();
    expect(await flushed).toMatchObject({
      code: "IPC_CONNECTION_LOST",
      message: expect.stringMatching(/\d+ messages/),
    });
    const rejected = (await settled).filter((one) => one.status === "rejected");
    expect(rejected.length).toBeGreaterThan(0);
    for (const { reason } of rejected) expect(reason).toMatchObject({ code: "IPC_CONNECTION_LOST" });
  });
});

describe("row 24: each read that has timed out leaks, and can reorder messages", () => {
  it("a thousand leave nothing, and what comes later comes in order to the reads that come later", async () => {
    const { server, client } = await pair();
    await readUntil(server, "Connected");
    const before = process.getActiveResourcesInfo().length;
    const reads = await Promise.all(NUMBERS.map(() => server.readTimed(1)));
    expect(reads.map(({ kind }) => kind)).toEqual(NUMBERS.map(() => "timeout"));
    await eventually(() => expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before));
    const received = readTypes(server, NUMBERS.length);
    for (const number of NUMBERS) await client.write(number, new Uint8Array(number % 97));
    expect(await received).toEqual(NUMBERS);
  });
});

describe("row 25: a write to what is closed ends the process, and one while connecting recurses without bound", () => {
  it("behind close it rejects, as often as it is tried", async () => {
    const { client } = await pair();
    await client.close();
    for (let i = 0; i < 100; i++)
      expect(await failureOf(client.write(1, "late"))).toMatchObject({ code: "IPC_CLOSED" });
  });

  it("while it reconnects a thousand reject, and nothing of them is kept", async () => {
    const { client, server } = await pair();
    const lost = nextEvent(client, "status");
    server.destroy();
    expect(await lost).toBe("Reconnecting");
    const failures = await Promise.allSettled(Array.from({ length: 1_000 }, () => client.write(1, "too soon")));
    for (const failure of failures) expect(failure).toMatchObject({ reason: { code: "IPC_NOT_CONNECTED" } });
    expect(client.stats.queuedBytes).toBe(0);
  });
});

describe("row 29: close drops what is queued", () => {
  it.each(["client", "server"] as const)("a %s's thousand messages all arrive, then the end", async (side) => {
    const { client, server } = await pair();
    const [writer, reader] = side === "client" ? [client, server] : [server, client];
    const received = readTypes(reader, NUMBERS.length);
    const writes = NUMBERS.map((number) => writer.write(number, new Uint8Array(number % 97)));
    await writer.close();
    await Promise.all(writes);
    expect(await received).toEqual(NUMBERS);
    await readUntil(reader, side === "client" ? "Disconnected" : "Reconnecting");
  });
});

describe("row 36: what golang-ipc's users complain about", () => {
  it("a write straight after the start works, on both sides", async () => {
    const { client, server } = await pair();
    await Promise.all([client.write(1, "from the client"), server.write(2, "from the server")]);
    expect((await readData(server)).text()).toBe("from the client");
    expect((await readData(client)).text()).toBe("from the server");
  });

  it.each(["client", "server"] as const)("close ends the waiting reads of a %s", async (side) => {
    const both = await pair();
    const peer = both[side];
    const reading = readToEnd(peer);
    await peer.close();
    expect((await reading).slice(-3)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
  });

  it("a read can be aborted, and takes nothing with it", async () => {
    const { client, server } = await pair();
    await readUntil(server, "Connected");
    const giveUp = new AbortController();
    const aborted = failureOf(server.read({ signal: giveUp.signal }));
    giveUp.abort();
    expect(await aborted).toMatchObject({ code: "IPC_ABORTED", name: "AbortError" });
    await client.write(1, "for the next read");
    expect((await readData(server)).text()).toBe("for the next read");
  });

  it("a second client is told that the place is taken, instead of waiting for ever", async () => {
    const { connect } = await pair();
    expect(await failureOf(connect({ retry: false }))).toMatchObject({ code: "IPC_SERVER_BUSY" });
  });
});
