import type { PeerOptions, Session } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { collect, failureOf, nextEvent, readToEnd, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Client, startClient } from "./client.js";
import type { ClientOptions } from "./client-options.js";

const name = "orders";

interface Pair {
  readonly client: Client;
  readonly session: Session;
  readonly far: FarServer;
}

async function openPair(options: Partial<ClientOptions> = {}, ofServer: PeerOptions = {}): Promise<Pair> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  const starting = startClient({ name, directory, retryMs: 1, ...options });
  const session = await far.session(ofServer);
  return { client: untilTestEnds(await starting), session, far };
}

/** Counts every event from now on. */
function tally(client: Client): Record<string, number> {
  const counts: Record<string, number> = { message: 0, error: 0, close: 0 };
  for (const event of ["error", "close"] as const) {
    client.on(event, () => {
      counts[event] = (counts[event] ?? 0) + 1;
    });
  }
  return counts;
}

const MODES: readonly (readonly [string, PeerOptions])[] = [
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
];

describe.each(MODES)("close of a connection that is %s", (_mode, common) => {
  const pair = (options: Partial<ClientOptions> = {}, ofServer: PeerOptions = {}): Promise<Pair> =>
    openPair({ ...common, ...options }, { ...common, ...ofServer });

  it("sends everything that was accepted, in order, before the end of the stream (golang-ipc: row 29)", async () => {
    const { client, session } = await pair();
    const texts = Array.from({ length: 2_000 }, (_, i) => `${i}`);
    for (const text of texts) void client.write(1, text);
    void client.write(2, new Uint8Array(500_000));
    await client.close();
    const words = await readToEnd(session);
    expect(words.slice(0, texts.length + 1)).toEqual(["Connected", ...texts]);
    expect(words.slice(-2)).toEqual(["Disconnected", "IPC_CLOSED"]);
  });

  it("ends pending reads: what is unread, then Closing, Closed, then IPC_CLOSED for ever (golang-ipc: row 25, row 36, TestClientClose, TestRead)", async () => {
    const { client, session } = await pair();
    await session.write(1, "a");
    await eventually(() => expect(client.stats.messagesReceived).toBe(1));
    const reads = Promise.allSettled(Array.from({ length: 7 }, () => client.read()));
    await client.close();
    const outcomes = await reads;
    expect(outcomes.map((outcome) => outcome.status === "fulfilled" && outcome.value)).toMatchObject([
      { status: "Connecting" },
      { status: "Connected" },
      { kind: "data" },
      { status: "Closing" },
      { status: "Closed" },
      false,
      false,
    ]);
    for (const wait of [client.read(), client.read(), client.readTimed(5), client.write(1, ""), client.flush()]) {
      expect(await failureOf(wait)).toMatchObject({
        code: "IPC_CLOSED",
        message: expect.stringContaining("(status: Closed)"),
      });
    }
  });

  it("is the same promise however often it is called, tells 'close' once and 'error' never", async () => {
    const { client } = await pair();
    const counts = tally(client);
    const first = client.close();
    expect(client.close()).toBe(first);
    await first;
    await client.close();
    client.destroy();
    await client[Symbol.asyncDispose]();
    expect(counts).toEqual({ message: 0, error: 0, close: 1 });
    expect(client).toMatchObject({ status: "Closed", statusCode: 5 });
  });

  it("is what `await using` does", async () => {
    const { client, session } = await pair();
    {
      await using held = client;
      await held.write(1, "a");
    }
    expect(client.status).toBe("Closed");
    expect(await readUntil(session, "Disconnected")).toEqual(["Connected", "a", "Disconnected"]);
  });

  it("ends redialling", async () => {
    const { client, session, far } = await pair({ retryMs: 1_000_000 });
    await far.close();
    await session.close();
    await readUntil(client, "Reconnecting");
    await client.close();
    expect(await readToEnd(client)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
  });

  it("ends a handshake of redialling, and the connection with it", async () => {
    const { client, session, far } = await pair();
    session.destroy();
    const server = new RawPeer(await far.next());
    server.write(2, 1);
    await server.read(1 + 97);
    await client.close();
    await server.gone;
    expect(client.status).toBe("Closed");
  });

  it("rejects with IPC_CLOSE_INCOMPLETE, with the counts, where the peer never reads; everything is freed", async () => {
    const { client } = await pair({}, { maxUnreadBytes: 1_024 });
    const counts = tally(client);
    const writes = Array.from({ length: 40 }, () => client.write(1, Buffer.alloc(60_000)));
    await eventually(() => expect(client.stats.queuedBytes).toBeGreaterThan(1_048_576));
    const pass = stopClock();
    const { queuedBytes } = client.stats;
    const failing = failureOf(client.close({ timeoutMs: 50 }));
    pass(50);
    const error = await failing;
    expect(error).toMatchObject({ code: "IPC_CLOSE_INCOMPLETE" });
    const [, messages, bytes] = /50 ms: (\d+) messages \((\d+) bytes\)/.exec(error.message) ?? [];
    expect(Number(bytes)).toBe(queuedBytes);
    expect(Number(messages)).toBeGreaterThanOrEqual(Math.floor(Number(bytes) / 60_100));
    // Of those that still waited.
    expect((await failureOf(writes.at(-1) as Promise<void>)).code).toBe("IPC_CLOSED");
    expect(client.status).toBe("Closed");
    expect(counts).toEqual({ message: 0, error: 0, close: 1 });
    await expect(client.close()).resolves.toBeUndefined();
  });

  it("is not held up by a peer that writes and does not read first (golang-ipc: row 37)", async () => {
    const { client, session } = await pair();
    for (let i = 0; i < 100; i++) void session.write(1, Buffer.alloc(60_000));
    await client.write(1, "bye");
    await client.close();
    expect(client.status).toBe("Closed");
  });

  it.each([
    [{ timeoutMs: -1 }, RangeError],
    [{ timeoutMs: Number.NaN }, RangeError],
    [{ timeoutMs: "5" }, TypeError],
    [5, TypeError],
    [null, TypeError],
  ])("rejects the options %o and leaves the client open", async (options, kind) => {
    const { client } = await pair();
    expect(await failureOf(client.close(options as never))).toBeInstanceOf(kind);
    expect(client.status).toBe("Connected");
  });
});

describe.each(MODES)("destroy of a connection that is %s", (_mode, common) => {
  const pair = (options: Partial<ClientOptions> = {}, ofServer: PeerOptions = {}): Promise<Pair> =>
    openPair({ ...common, ...options }, { ...common, ...ofServer });

  it("ends everything at once: waits reject with IPC_CLOSED, its cause the reason", async () => {
    const { client } = await pair({}, { maxUnreadBytes: 1_024 });
    const counts = tally(client);
    await readUntil(client, "Connected");
    const first = client.read();
    const writes = Array.from({ length: 40 }, () => client.write(1, Buffer.alloc(60_000)));
    await eventually(() => expect(client.stats.queuedBytes).toBeGreaterThan(1_048_576));
    const waits = [client.read(), client.readTimed(1_000_000), client.flush(), writes.at(-1) as Promise<void>];
    const failures = Promise.all(waits.map(failureOf));
    const reason = new Error("fire");
    client.destroy(reason);
    expect(client.status).toBe("Closed");
    expect(await first).toMatchObject({ status: "Closed" });
    for (const failure of await failures) expect(failure).toMatchObject({ code: "IPC_CLOSED", cause: reason });
    expect(counts).toEqual({ message: 0, error: 0, close: 1 });
  });

  it("while closing cuts that short", async () => {
    const { client } = await pair({}, { maxUnreadBytes: 1_024 });
    for (let i = 0; i < 40; i++) void client.write(1, Buffer.alloc(60_000));
    await eventually(() => expect(client.stats.queuedBytes).toBeGreaterThan(1_048_576));
    const counts = tally(client);
    const closing = failureOf(client.close({ timeoutMs: 1_000_000 }));
    setImmediate(() => client.destroy());
    expect(await closing).toMatchObject({ code: "IPC_CLOSE_INCOMPLETE" });
    expect(counts).toEqual({ message: 0, error: 0, close: 1 });
  });

  it("right after close is the end too", async () => {
    const { client, session } = await pair();
    const closing = client.close();
    client.destroy();
    await closing;
    expect(client.status).toBe("Closed");
    await readUntil(session, "Disconnected");
  });

  it("by a listener of the status Connected is final: nothing is dialled or told any more", async () => {
    const { client, session, far } = await pair();
    const statuses = collect(client, "status");
    const lost = collect(client, "lost");
    client.on("status", (status) => void (status === "Connected" && client.destroy()));
    session.destroy();
    const closed = nextEvent(client, "close");
    const second = await far.session();
    await closed;
    await readUntil(second, "Disconnected");
    expect(statuses).toEqual(["Reconnecting", "Connected", "Closed"]);
    expect(lost.length).toBe(1);
    expect(client.status).toBe("Closed");
  });

  it("by a listener of 'message' ends the delivery: what came with that message is dropped", async () => {
    const { client, session } = await pair();
    const seen: string[] = [];
    client.on("message", (message) => {
      seen.push(message.text());
      client.destroy();
    });
    for (const text of ["a", "b", "c"]) void session.write(1, text);
    await readUntil(session, "Disconnected");
    expect(seen).toEqual(["a"]);
  });
});

describe("the option signal", () => {
  it("destroys a client that is connected", async () => {
    const controller = new AbortController();
    const { client, session } = await openPair({ signal: controller.signal });
    await readUntil(client, "Connected");
    const reason = new Error("enough");
    const closed = nextEvent(client, "close");
    controller.abort(reason);
    await closed;
    expect(client.status).toBe("Closed");
    expect((await client.read()).kind).toBe("status");
    expect(await failureOf(client.read())).toMatchObject({ code: "IPC_CLOSED", cause: reason });
    await readUntil(session, "Disconnected");
  });

  it("destroys a client that is dialling again", async () => {
    const controller = new AbortController();
    const { client, session, far } = await openPair({ signal: controller.signal, retryMs: 1_000_000 });
    await far.close();
    session.destroy();
    await readUntil(client, "Reconnecting");
    controller.abort();
    expect(await readToEnd(client)).toEqual(["Closed", "IPC_CLOSED"]);
  });

  it("means nothing to a client that is closed", async () => {
    const controller = new AbortController();
    const { client } = await openPair({ signal: controller.signal });
    await client.close();
    controller.abort();
    expect(await readToEnd(client)).toEqual(["Connecting", "Connected", "Closing", "Closed", "IPC_CLOSED"]);
  });
});
