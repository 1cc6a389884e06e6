import type { PeerOptions, Session } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Client, startClient } from "./client.js";

const name = "orders";
const BUDGET = 1_048_576;
const BLOCK = 60_000;

interface Pair {
  readonly client: Client;
  readonly session: Session;
}

async function pair(ofServer: PeerOptions = {}, ofClient: PeerOptions = {}): Promise<Pair> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  const starting = startClient({ name, directory, encryption: ofServer.encryption ?? true, ...ofClient });
  const session = await far.session(ofServer);
  return { client: untilTestEnds(await starting), session };
}

/** A pair whose far side does not read, written to until it is the writes that wait. The first byte counts them. */
async function clogged(): Promise<Pair & { readonly writes: Promise<void>[] }> {
  const { client, session } = await pair({ maxUnreadBytes: 1_024 });
  const writes = Array.from({ length: 60 }, (_, i) => client.write(1, Buffer.alloc(BLOCK, i)));
  await eventually(() => expect(client.stats.queuedBytes).toBeGreaterThanOrEqual(BUDGET));
  return { client, session, writes };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

describe("write against a peer that does not read", () => {
  it("waits, with no more queued than the budget and one message, and goes on when the peer reads", async () => {
    const { client, session, writes } = await clogged();
    expect(client.stats.queuedBytes).toBeLessThan(BUDGET + BLOCK + 1_024);
    expect(client.stats.messagesSent).toBeLessThan(60);
    expect(await isPending(writes.at(-1) as Promise<void>)).toBe(true);
    for (let i = 0; i < 60; i++) {
      const { data } = await readData(session);
      expect([data.length, data[0], data.at(-1)]).toEqual([BLOCK, i, i]);
    }
    await Promise.all(writes);
    await client.flush();
    expect(client.stats).toMatchObject({ queuedBytes: 0, messagesSent: 60, bytesSent: 60 * BLOCK });
  });

  it("that is aborted while it waits is never sent; the others are", async () => {
    const { client, session, writes } = await clogged();
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = failureOf(client.write(2, "aborted", { signal: controller.signal }));
    const kept = client.write(3, "kept");
    controller.abort(reason);
    expect(await aborted).toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: reason });
    for (const _ of writes) expect((await readData(session)).type).toBe(1);
    expect((await readData(session)).text()).toBe("kept");
    await kept;
  });

  it("is refused with IPC_QUEUE_FULL, with the figures, when 16 times the budget waits", async () => {
    const { client, session } = await pair({ maxUnreadBytes: 1_024 }, { maxQueuedBytes: 8_192 });
    const outcomes = Promise.allSettled(Array.from({ length: 60 }, (_, i) => client.write(1, Buffer.alloc(BLOCK, i))));
    const full = failureOf(client.write(2, Buffer.alloc(BLOCK)));
    expect(await full).toMatchObject({
      code: "IPC_QUEUE_FULL",
      message: expect.stringContaining("limit 131072 (16 × maxQueuedBytes)"),
    });
    const drained = (async () => {
      const types: number[] = [];
      for await (const { type } of session) {
        types.push(type);
        if (type === 3) return types;
      }
      return types;
    })();
    const accepted = (await outcomes).filter(({ status }) => status === "fulfilled").length;
    await client.write(3, "last");
    expect(await drained).toEqual([...new Array<number>(accepted).fill(1), 3]);
    expect(accepted).toBeLessThan(60);
  });

  it("and flush wait for their turn; flush ends with its signal, and the messages are sent all the same", async () => {
    const { client, session, writes } = await clogged();
    const controller = new AbortController();
    const aborted = failureOf(client.flush({ signal: controller.signal }));
    const flushed = client.flush();
    controller.abort("enough");
    expect(await aborted).toMatchObject({ code: "IPC_ABORTED", cause: "enough" });
    expect(await isPending(flushed)).toBe(true);
    for (const _ of writes) await readData(session);
    await flushed;
    expect(client.stats.queuedBytes).toBe(0);
  });
});

describe.each([
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
] as const)("over a connection that is %s, write", (mode, options) => {
  it("keeps the order of many that are not awaited, small and large", async () => {
    const { client, session } = await pair(options);
    expect([client.security.mode, session.security.mode]).toEqual([mode, mode]);
    const size = (i: number): number => (i % 97 === 0 ? 70_000 : i % 13 === 0 ? 5_000 : i % 7);
    for (let i = 1; i <= 3_000; i++) void client.write(i, Buffer.alloc(size(i), i));
    for (let i = 1; i <= 3_000; i++) {
      const { type, data } = await readData(session);
      expect(type).toBe(i);
      expect(data.length).toBe(size(i));
      expect(data.every((byte) => byte === i % 256)).toBe(true);
    }
  });

  it.each([1, 1_000, 65_535, 65_536, 1_000_000])("lets %i bytes be reused as soon as it resolves", async (size) => {
    const { client, session } = await pair(options);
    const data = new Uint8Array(size).fill(0xaa);
    await client.write(1, data);
    data.fill(0xbb);
    const received = (await readData(session)).data;
    expect(received.length).toBe(size);
    expect(received.every((byte) => byte === 0xaa)).toBe(true);
  });

  it.each([
    ["to the server (golang-ipc: TestServerWrongMessageType, TestServerCorrectMessageType)", true],
    ["to the client (golang-ipc: TestClientWrongMessageType, TestClientCorrectMessageType)", false],
  ])("takes strings, bytes, views of bytes and nothing at all, and any type, %s", async (_direction, isToServer) => {
    const { client, session } = await pair(options);
    const [from, to] = isToServer ? [client, session] : [session, client];
    await from.write(1, "5 € and 😀");
    await from.write(4_294_967_295, new TextEncoder().encode("bytes"));
    await from.writeMessage({ type: 3, data: Buffer.from("a view of it").subarray(2, 6) });
    await from.write(4, "");
    const received = [];
    for (let i = 0; i < 4; i++) received.push(await readData(to));
    expect(received.map((message) => [message.type, message.text()])).toEqual([
      [1, "5 € and 😀"],
      [4_294_967_295, "bytes"],
      [3, "view"],
      [4, ""],
    ]);
    for (const { data } of received) expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
  });

  it.each([1_024, 65_536, 3_145_728])(
    "sends exactly maxMessageSize %i both ways, and not a byte more (golang-ipc: TestWrite, TestStartUp_Configs3)",
    async (size) => {
      const { client, session } = await pair({ ...options, maxMessageSize: size }, { maxMessageSize: size });
      const data = new Uint8Array(size).fill(0xcc);
      for (const [from, to] of [
        [client, session],
        [session, client],
      ] as const) {
        const writing = from.write(1, data);
        expect(Buffer.compare((await readData(to)).data, data)).toBe(0);
        await writing;
        expect(await failureOf(from.write(1, new Uint8Array(size + 1)))).toMatchObject({
          code: "IPC_MESSAGE_TOO_LARGE",
          message: expect.stringMatching(new RegExp(`${size + 1} bytes, limit ${size} `)),
        });
      }
    },
  );
});

describe("write", () => {
  it("heeds the server's limit, not the client's own", async () => {
    const { client, session } = await pair({ maxMessageSize: 2_048 }, { maxMessageSize: 1_024 });
    await client.write(1, new Uint8Array(2_048));
    expect((await readData(session)).data.length).toBe(2_048);
  });

  it.each([
    ["type", 0, "message type 0 is reserved", RangeError],
    ["type", -1, "`type` takes a whole number, 1 … 4294967295, got -1", RangeError],
    ["type", 1.5, "got 1.5", RangeError],
    ["type", 4_294_967_296, "got 4294967296", RangeError],
    ["type", "1", '`type` takes a number, got "1"', TypeError],
    ["data", 5, "`data` takes a string or a Uint8Array, got 5", TypeError],
    ["data", null, "`data` takes a string or a Uint8Array, got null", TypeError],
    ["data", [1], "`data` takes a string or a Uint8Array, got an array", TypeError],
    ["data", new ArrayBuffer(1), "`data` takes a string or a Uint8Array, got an object", TypeError],
  ])("rejects the %s %o (golang-ipc: TestWrite)", async (argument, value, message, kind) => {
    const { client } = await pair();
    const given = { type: 1, data: "", [argument]: value } as { type: number; data: string };
    for (const write of [client.write(given.type, given.data), client.writeMessage(given)]) {
      const error = await failureOf(write);
      expect(error).toBeInstanceOf(kind);
      expect(error.message).toContain(message);
    }
  });

  it.each([null, 5, { signal: "stop" }])("and flush reject the options %o, rather than throw", async (options) => {
    const { client } = await pair();
    expect(await failureOf(client.write(1, "", options as never))).toBeInstanceOf(TypeError);
    expect(await failureOf(client.flush(options as never))).toBeInstanceOf(TypeError);
  });

  it("with a signal that has fired rejects and sends nothing", async () => {
    const { client, session } = await pair();
    const signal = AbortSignal.abort("enough");
    for (const wait of [client.write(1, "no", { signal }), client.flush({ signal })]) {
      expect(await failureOf(wait)).toMatchObject({ code: "IPC_ABORTED", cause: "enough" });
    }
    await client.write(1, "yes");
    expect((await readData(session)).text()).toBe("yes");
  });

  it("with a signal that fires later has been accepted, and is sent", async () => {
    const { client, session } = await pair();
    const controller = new AbortController();
    const written = client.write(1, "accepted", { signal: controller.signal });
    controller.abort();
    await written;
    expect((await readData(session)).text()).toBe("accepted");
  });

  it("gives every message to the other side before flush resolves with nothing queued", async () => {
    const { client } = await pair();
    for (let i = 0; i < 100; i++) void client.write(1, "x".repeat(i));
    await client.flush();
    expect(client.stats).toMatchObject({ queuedBytes: 0, messagesSent: 100, bytesSent: 4_950 });
    await client.flush();
  });
});
