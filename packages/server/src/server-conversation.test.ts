import { existsSync, readdirSync, rmSync } from "node:fs";
import type { PeerOptions } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import {
  collect,
  failureOf,
  nextEvent,
  readData,
  readToEnd,
  readUntil,
} from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { name, serve } from "../test/served.js";
import { startServer } from "./server.js";

describe("the statuses of a server", () => {
  it("are Connected, Disconnected, Connected, Closing, Closed, for reads and for listeners (golang-ipc: TestServerReconnect2, TestServerClose, TestClientClose)", async () => {
    const { server, directory } = await serve();
    const events = collect(server, "status");
    const first = await openFarClient(directory, name);
    const words = await readUntil(server, "Connected");
    await first.close();
    words.push(...(await readUntil(server, "Disconnected")));
    const second = await openFarClient(directory, name);
    words.push(...(await readUntil(server, "Connected")));
    await server.close();
    words.push(...(await readToEnd(server)));
    expect(words).toEqual([...events, "IPC_CLOSED"]);
    expect(events).toEqual(["Connected", "Disconnected", "Connected", "Closing", "Closed"]);
    await readUntil(second, "Disconnected");
  });

  it("change at once, and are emitted after the messages received before", async () => {
    const { server, directory } = await serve();
    const seen: string[] = [];
    server.on("message", (message) => seen.push(message.text())).on("status", (status) => seen.push(status));
    server.pause();
    const client = await openFarClient(directory, name);
    await client.write(1, "a");
    await client.close();
    await eventually(() => expect(server.status).toBe("Disconnected"));
    expect(seen).toEqual(["Connected"]);
    const told = nextEvent(server, "status");
    server.resume();
    await told;
    expect(seen).toEqual(["Connected", "a", "Disconnected"]);
  });
});

const MODES: readonly (readonly [string, PeerOptions])[] = [
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
];

describe.each(MODES)("a write of a server over a connection that is %s", (_mode, options) => {
  it("waits when no client is connected, and is delivered to the first client in order (golang-ipc: row 23)", async () => {
    const { server, directory } = await serve(options);
    const writes = [server.write(1, "a"), server.write(1, Buffer.alloc(100_000, "b")), server.write(1, "c")];
    const flushed = server.flush();
    expect(server.status).toBe("Listening");
    const client = await openFarClient(directory, name, options);
    expect(await readUntil(client, "c")).toEqual(["Connected", "a", "b".repeat(100_000), "c"]);
    await Promise.all([...writes, flushed]);
  });

  it("is not delivered when it is aborted before a client is connected", async () => {
    const { server, directory } = await serve(options);
    const controller = new AbortController();
    const aborted = failureOf(server.write(1, "aborted", { signal: controller.signal }));
    const kept = server.write(1, "kept");
    controller.abort("enough");
    expect(await aborted).toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: "enough" });
    const client = await openFarClient(directory, name, options);
    expect(await readUntil(client, "kept")).toEqual(["Connected", "kept"]);
    await kept;
  });

  it("rejects with IPC_QUEUE_FULL when the queue is full before a client is connected, and the rest is delivered", async () => {
    const { server, directory } = await serve({ ...options, maxQueuedBytes: 1_024 });
    const outcomes = Promise.allSettled(Array.from({ length: 100 }, (_, i) => server.write(i + 1, "x".repeat(1_000))));
    const client = await openFarClient(directory, name, options);
    const accepted = (await outcomes).filter(({ status }) => status === "fulfilled").length;
    expect(accepted).toBe(14);
    for (let i = 0; i < accepted; i++) expect((await readData(client)).type).toBe(i + 1);
  });

  it("rejects with IPC_CLOSED when the server closes before a client is connected", async () => {
    const { server } = await serve(options);
    const waits = [server.write(1, "a"), server.flush()].map(failureOf);
    await server.close();
    for (const wait of waits) expect(await wait).toMatchObject({ code: "IPC_CLOSED" });
  });

  it("rejects with IPC_NOT_CONNECTED when its client has disconnected, and reaches no other client (golang-ipc: row 23, TestWrite)", async () => {
    const { server, directory } = await serve(options);
    const first = await openFarClient(directory, name, options);
    await readUntil(server, "Connected");
    await first.close();
    await readUntil(server, "Disconnected");
    expect(await failureOf(server.write(1, "lost"))).toMatchObject({
      code: "IPC_NOT_CONNECTED",
      message: expect.stringContaining("(status: Disconnected)"),
    });
    const second = await openFarClient(directory, name, options);
    await readUntil(server, "Connected");
    await server.write(1, "new");
    expect(await readUntil(second, "new")).toEqual(["Connected", "new"]);
  });

  it("reaches no other client when it was queued for a client whose connection is reset (golang-ipc: row 22)", async () => {
    const { server, directory } = await serve(options);
    const first = await openFarClient(directory, name, { ...options, maxUnreadBytes: 1_024 });
    const outcomes = Promise.allSettled(Array.from({ length: 40 }, () => server.write(1, Buffer.alloc(60_000, "old"))));
    await eventually(() => expect(server.stats.queuedBytes).toBeGreaterThan(1_048_576));
    const lost = nextEvent(server, "lost");
    first.destroy();
    expect((await outcomes).at(-1)).toMatchObject({ reason: { code: "IPC_CONNECTION_LOST" } });
    expect((await lost).message).toMatch(/[1-9]\d* messages were accepted and not sent/);
    const second = await openFarClient(directory, name, options);
    await readUntil(server, "Disconnected");
    await readUntil(server, "Connected");
    await server.write(1, "new");
    expect(await readUntil(second, "new")).toEqual(["Connected", "new"]);
  });
});

describe("a client that disconnects or sends an invalid frame", () => {
  it.each([
    ["in the middle of a frame (golang-ipc: row 14)", plainFrame(1, "half").subarray(0, 9), "IPC_CONNECTION_LOST"],
    ["with a frame of 4 GiB (golang-ipc: row 12)", Buffer.of(0xff, 0xff, 0xff, 0xff), "IPC_FRAME_TOO_LARGE"],
    ["with a body without a type (golang-ipc: row 13)", Buffer.of(0, 0, 0, 1, 1), "IPC_FRAME_TOO_SHORT"],
  ])("%s is lost: the server delivers nothing of that frame, and serves the next client", async (_how, bytes, code) => {
    const { server } = await serve({ encryption: false });
    for (let i = 0; i < 2; i++) {
      const raw = await RawPeer.connect(server.address);
      await raw.join();
      const lost = nextEvent(server, "lost");
      raw.stream.write(plainFrame(5, "whole"));
      raw.stream.end(bytes);
      expect(await lost).toMatchObject({ code });
      await raw.gone;
      expect(await readUntil(server, "Disconnected")).toEqual(["Connected", "whole", "Disconnected"]);
    }
  });

  it("has no effect on the next client when it resets the connection with unread input (golang-ipc: row 37)", async () => {
    const { server, directory } = await serve();
    const client = await openFarClient(directory, name);
    await server.write(1, Buffer.alloc(60_000));
    client.destroy();
    expect(await readUntil(server, "Disconnected")).toEqual(["Connected", "Disconnected"]);
    await openFarClient(directory, name);
    await readUntil(server, "Connected");
  });

  it("is reported as disconnected only after its messages were read when they used up the budget (golang-ipc: TestRead)", async () => {
    const { server, directory } = await serve({ maxUnreadBytes: 1_024 });
    const client = await openFarClient(directory, name);
    for (let i = 0; i < 100; i++) await client.write(1, "x".repeat(1_000));
    await client.close();
    expect(server.status).toBe("Connected");
    const words = await readUntil(server, "Disconnected");
    expect(words.filter((word) => word.startsWith("x")).length).toBe(100);
  });
});

describe("close of a server", () => {
  it("sends accepted messages, removes the socket file, and emits 'close' once (golang-ipc: row 29)", async () => {
    const { server, directory } = await serve();
    const closes = collect(server, "close");
    const errors = collect(server, "error");
    const client = await openFarClient(directory, name);
    await readUntil(server, "Connected");
    for (let i = 0; i < 1_000; i++) void server.write(1, `${i}`);
    const closing = server.close();
    expect(server.close()).toBe(closing);
    await closing;
    server.destroy();
    expect(existsSync(server.address)).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
    const words = await readUntil(client, "Disconnected");
    expect(words.slice(1, -1)).toEqual(Array.from({ length: 1_000 }, (_, i) => `${i}`));
    expect([closes.length, errors.length]).toEqual([1, 0]);
  });

  it("ends pending reads with Closing, Closed, IPC_CLOSED when no client has connected (golang-ipc: row 36)", async () => {
    const { server } = await serve();
    const reading = readToEnd(server);
    const iterations = failureOf(server[Symbol.asyncIterator]().next());
    expect(await iterations).toMatchObject({ code: "IPC_CONSUMER_TAKEN" });
    await server.close();
    expect(await reading).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
    for (const wait of [server.write(1, ""), server.flush(), server.read()]) {
      expect(await failureOf(wait)).toMatchObject({ code: "IPC_CLOSED" });
    }
  });

  it("lets another server start under the name at once", async () => {
    const { server, directory } = await serve();
    await openFarClient(directory, name);
    await server.close();
    const next = untilTestEnds(await startServer({ name, directory }));
    await openFarClient(directory, name);
    await readUntil(next, "Connected");
  });

  it("keeps the socket file of another server that has replaced its own meanwhile (golang-ipc: row 3)", async () => {
    const { server, directory } = await serve();
    rmSync(server.address);
    const next = untilTestEnds(await startServer({ name, directory }));
    await server.close();
    expect(existsSync(next.address)).toBe(true);
    await openFarClient(directory, name);
  });

  it("rejects with IPC_CLOSE_INCOMPLETE when the client never reads, and frees the address", async () => {
    const { server, directory } = await serve();
    await openFarClient(directory, name, { maxUnreadBytes: 1_024 });
    void Promise.allSettled(Array.from({ length: 40 }, () => server.write(1, Buffer.alloc(60_000))));
    await eventually(() => expect(server.stats.queuedBytes).toBeGreaterThan(1_048_576));
    expect(await failureOf(server.close({ timeoutMs: 30 }))).toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringMatching(/30 ms: [1-9]\d* messages \([1-9]\d* bytes\) were accepted and not sent/),
    });
    expect(server.status).toBe("Closed");
    expect(readdirSync(directory)).toEqual([]);
  });

  it("ends the server when a listener of the status Connected calls it, and so does destroy", async () => {
    for (const end of ["close", "destroy"] as const) {
      const { server, directory } = await serve();
      const statuses = collect(server, "status");
      const closed = nextEvent(server, "close");
      server.on("status", (status) => void (status === "Connected" && server[end]()));
      const client = await openFarClient(directory, name);
      await closed;
      await readUntil(client, "Disconnected");
      expect(statuses).toEqual(end === "close" ? ["Connected", "Closing", "Closed"] : ["Connected", "Closed"]);
      expect(server.status).toBe("Closed");
    }
  });
});

it("rejects a waiting write when the next client does not accept its size, and keeps the others", async () => {
  const { server, directory } = await serve();
  const written = [server.write(1, "before"), server.write(2, new Uint8Array(2_000)), server.write(3, "after")];
  const outcomes = Promise.allSettled(written);
  const client = await openFarClient(directory, name, { maxMessageSize: 1_024 });
  expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  await expect(written[1]).rejects.toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE" });
  expect([(await readData(client)).text(), (await readData(client)).text()]).toEqual(["before", "after"]);
});
