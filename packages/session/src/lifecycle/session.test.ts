import type { Duplex } from "node:stream";
import { encodeMessage } from "@ipc/framing";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import type { DataMessage, StatusMessage } from "../message.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

type Options = Omit<SessionOptions, "role">;

async function openPair(options: Options = {}, clientOptions: Options = options): Promise<[Session, Session]> {
  const [near, far] = memoryPair();
  return Promise.all([
    openSession(near, { role: "server", ...options }),
    openSession(far, { role: "client", ...clientOptions }),
  ]);
}

/** A session in the server's role, and its peer as bare bytes: plain, its handshake done. */
async function openBare(options: Options = {}): Promise<{ session: Session; peer: Duplex }> {
  const [near, peer] = memoryPair();
  const opening = openSession(near, { role: "server", encryption: false, ...options });
  peer.write(Uint8Array.of(0x00, 0x00));
  const session = await opening;
  expect(await session.read()).toMatchObject({ status: "Connected" });
  peer.resume();
  return { session, peer };
}

async function nextData(session: Session): Promise<DataMessage> {
  for (;;) {
    const received = await session.read();
    if (received.kind === "data") return received;
  }
}

async function drain(session: Session): Promise<(DataMessage | StatusMessage)[]> {
  const all = [];
  for (;;) {
    try {
      all.push(await session.read());
    } catch {
      return all;
    }
  }
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const MODES: readonly { readonly mode: string; readonly options: Options }[] = [
  { mode: "secure", options: {} },
  { mode: "compatible", options: { security: { wire: "golang-ipc" } } },
  { mode: "plain", options: { encryption: false } },
];

describe.each(MODES)("over a stream of the caller's, $mode", ({ mode, options }) => {
  it("carries messages both ways", async () => {
    const [server, client] = await openPair(options);
    expect(server.security).toEqual({ mode, peer: { psk: false } });
    expect(client.security).toEqual(server.security);
    await client.write(1, "to the server");
    await server.write(4_294_967_295, Uint8Array.of(1, 2, 3));
    expect((await nextData(server)).text()).toBe("to the server");
    expect(await nextData(client)).toMatchObject({ type: 4_294_967_295, data: Uint8Array.of(1, 2, 3) });
    await Promise.all([client.close(), server.close()]);
  });

  it("delivers what was written before close, then ends the other side in order (golang-ipc: row 29)", async () => {
    const [server, client] = await openPair(options);
    for (let type = 1; type <= 500; type++) void client.write(type, "x".repeat(type));
    await client.close();
    const received = await drain(server);
    const types = received.map((message) => message.type);
    expect(types).toEqual([-1, ...Array.from({ length: 500 }, (_, i) => i + 1), -1]);
    expect(received.at(-1)).toMatchObject({ status: "Disconnected" });
    await expect(server.read()).rejects.toMatchObject({ code: "IPC_CLOSED" });
    expect(client.status).toBe("Closed");
  });

  it("carries a message of exactly maxMessageSize and refuses one byte more before it is sent (golang-ipc: TestWrite)", async () => {
    const [server, client] = await openPair({ ...options, maxMessageSize: 200_000 });
    await expect(client.write(1, new Uint8Array(200_001))).rejects.toMatchObject({
      code: "IPC_MESSAGE_TOO_LARGE",
      message: expect.stringMatching(/200001.*200000/),
    });
    const data = new Uint8Array(200_000).map((_, index) => index);
    await client.write(1, data);
    expect(Buffer.compare((await nextData(server)).data, data)).toBe(0);
    await Promise.all([client.close(), server.close()]);
  });

  it("makes the writer wait when the reader stands still, and loses nothing", async () => {
    const [server, client] = await openPair({ ...options, maxQueuedBytes: 16_384, maxUnreadBytes: 16_384 });
    const data = new Uint8Array(1_000);
    const written: number[] = [];
    const writes = Array.from({ length: 200 }, (_, i) => client.write(i + 1, data).then(() => written.push(i + 1)));
    // The reader's budget is full: from here on the writer is held back.
    await eventually(() => expect(server.stats.unreadBytes).toBeGreaterThanOrEqual(16_384));
    await new Promise((resolve) => setImmediate(resolve));
    expect(written.length).toBeLessThan(200);
    expect(server.stats.unreadBytes).toBeLessThan(16_384 + 1_160);
    for (let type = 1; type <= 200; type++) expect((await nextData(server)).type).toBe(type);
    await Promise.all(writes);
    await Promise.all([client.close(), server.close()]);
  });
});

describe("a peer that breaks the protocol costs its own connection", () => {
  it.each([
    ["a body over the limit", [0x00, 0x10, 0x00, 0x05], "IPC_FRAME_TOO_LARGE"],
    ["a body without room for a type", [0, 0, 0, 3, 1, 2, 3], "IPC_FRAME_TOO_SHORT"],
  ])("%s", async (_what, bytes, code) => {
    const { session, peer } = await openBare({ maxMessageSize: 1_048_576 });
    const lost = new Promise((resolve) => session.once("lost", resolve));
    peer.write(Uint8Array.from(bytes));
    await expect(session.read()).resolves.toMatchObject({ status: "Disconnected" });
    await expect(session.read()).rejects.toMatchObject({ code });
    expect(await lost).toMatchObject({ code });
  });

  it("an end in the middle of a frame: the whole messages are delivered, the rest is not", async () => {
    const { session, peer } = await openBare();
    const second = encodeMessage(2, encode("cut"));
    peer.write(Buffer.concat([encodeMessage(1, encode("whole")), second.subarray(0, second.length - 1)]));
    peer.end();
    expect((await nextData(session)).text()).toBe("whole");
    await expect(session.read()).resolves.toMatchObject({ status: "Disconnected" });
    await expect(session.read()).rejects.toMatchObject({
      code: "IPC_CONNECTION_LOST",
      cause: { code: "IPC_FRAME_TRUNCATED" },
    });
  });

  it.each(MODES.slice(0, 2))(
    "an altered message: nothing of it or after it is delivered, $mode (golang-ipc: row 20)",
    async ({ mode, options }) => {
      const [near, far] = memoryPair();
      const [outer, middle] = memoryPair();
      far.on("data", (chunk: Buffer) => middle.write(chunk));
      let tamper = false;
      middle.on("data", (chunk: Buffer) => {
        const copy = Buffer.from(chunk);
        if (tamper) copy[copy.length - 1] = (copy[copy.length - 1] as number) ^ 1;
        far.write(copy);
      });
      const [server, client] = await Promise.all([
        openSession(near, { role: "server", ...options }),
        openSession(outer, { role: "client", ...options }),
      ]);
      expect(server.security.mode).toBe(mode);
      await client.write(1, "untouched");
      expect((await nextData(server)).text()).toBe("untouched");
      tamper = true;
      await client.write(2, "touched");
      expect((await drain(server)).map((message) => message.kind)).toEqual(["status"]);
      await expect(server.read()).rejects.toMatchObject({ code: "IPC_DECRYPTION_FAILED" });
      client.destroy();
    },
  );

  it("a reset: the whole messages are delivered, and pending calls reject", async () => {
    const { session, peer } = await openBare();
    peer.write(encodeMessage(1, encode("whole")));
    expect((await nextData(session)).text()).toBe("whole");
    const read = session.read();
    peer.destroy(new Error("reset"));
    await expect(read).resolves.toMatchObject({ status: "Disconnected" });
    await expect(session.read()).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
  });

  it("a message of type 0, which the session ignores", async () => {
    const { session, peer } = await openBare();
    peer.write(Buffer.concat([encodeMessage(0, encode("control")), encodeMessage(1, encode("data"))]));
    expect((await nextData(session)).text()).toBe("data");
    session.destroy();
  });
});

describe("a message that a pause held back", () => {
  it("is delivered after the peer has disconnected meanwhile", async () => {
    const { session, peer } = await openBare({ maxUnreadBytes: 1_024 });
    const frames = Array.from({ length: 20 }, (_, i) => encodeMessage(i + 1, new Uint8Array(100)));
    peer.write(Buffer.concat(frames));
    peer.end();
    const received = await drain(session);
    expect(received.filter((message) => message.kind === "data")).toHaveLength(20);
  });
});

describe("a session that ends", () => {
  it("gives Closing and Closed to pending reads, and IPC_CLOSED from then on, after close", async () => {
    const [server, client] = await openPair();
    expect(await client.read()).toMatchObject({ status: "Connected" });
    const reads = [client.read(), client.read(), client.read()];
    await client.close();
    expect(await reads[0]).toMatchObject({ status: "Closing" });
    expect(await reads[1]).toMatchObject({ status: "Closed" });
    await expect(reads[2]).rejects.toMatchObject({ code: "IPC_CLOSED" });
    await expect(client.write(1, "late")).rejects.toMatchObject({ code: "IPC_CLOSED" });
    await expect(client.flush()).rejects.toMatchObject({ code: "IPC_CLOSED" });
    await server.close();
  });

  it("returns one promise for every call of close", async () => {
    const [server, client] = await openPair();
    expect(client.close()).toBe(client.close());
    await client.close();
    await client.close();
    await server.close();
  });

  it("rejects close with the bytes that could not be sent in time", async () => {
    const [near, peer] = memoryPair();
    const opening = openSession(near, { role: "server", encryption: false });
    peer.write(Uint8Array.of(0, 0));
    const stuck = await opening;
    for (let i = 0; i < 10; i++) void stuck.write(1, new Uint8Array(60_000));
    await expect(stuck.close({ timeoutMs: 20 })).rejects.toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringMatching(/\d+ messages \(\d+ bytes\)/),
    });
    expect(stuck.status).toBe("Closed");
    expect(near.destroyed).toBe(true);
  });

  it("rejects pending calls with the reason of destroy as the cause", async () => {
    const [server, client] = await openPair();
    await client.read();
    const read = client.read();
    client.destroy("the reason");
    expect(await read).toMatchObject({ status: "Closed" });
    await expect(client.read()).rejects.toMatchObject({ code: "IPC_CLOSED", cause: "the reason" });
    await server.close();
  });

  it("equals a destroy with the signal's reason when the signal is aborted", async () => {
    const controller = new AbortController();
    const [near, far] = memoryPair();
    const [server, client] = await Promise.all([
      openSession(near, { role: "server" }),
      openSession(far, { role: "client", signal: controller.signal }),
    ]);
    controller.abort("no longer wanted");
    expect(client.status).toBe("Closed");
    await drain(client);
    await expect(client.read()).rejects.toMatchObject({ code: "IPC_CLOSED", cause: "no longer wanted" });
    await server.close();
  });

  it("leaves no session when the signal is aborted just as the handshake completes", async () => {
    const controller = new AbortController();
    const [near, peer] = memoryPair();
    const opening = openSession(near, { role: "server", encryption: false, signal: controller.signal });
    peer.write(Uint8Array.of(0x00));
    // The last byte of the handshake has come when this read is answered: the signal fires in the same breath.
    near.on("data", (chunk: Uint8Array) => {
      if (chunk.length === 1 && chunk[0] === 0x07) queueMicrotask(() => controller.abort("too late"));
    });
    peer.write(Uint8Array.of(0x07));
    await expect(opening).rejects.toMatchObject({ code: "IPC_ABORTED", cause: "too late" });
    expect(near.destroyed).toBe(true);
  });

  it("emits exactly one close event, after the error if there was one", async () => {
    const { session, peer } = await openBare();
    const events: string[] = [];
    for (const event of ["lost", "error", "close"] as const) session.on(event, () => events.push(event));
    const closed = new Promise<void>((resolve) => session.once("close", resolve));
    peer.destroy(new Error("reset"));
    await drain(session);
    await closed;
    await session.close();
    session.destroy();
    expect(events).toEqual(["lost", "error", "close"]);
  });
});

describe("wrong arguments", () => {
  const [stream] = memoryPair();

  it.each([
    [
      "a stream that is none",
      {},
      { role: "client" },
      "`stream` takes a Duplex of bytes, got an object without the method `on`",
    ],
    ["a role that is none", stream, { role: "both" }, '`role` takes "client" or "server", got "both"'],
    ["a name that is none", stream, { role: "client", name: 5 }, "`name` takes a string, got 5"],
    ["an option that is none", stream, { role: "client", nmae: "x" }, "unknown option `nmae`"],
  ])("%s", async (_what, wrongStream, options, message) => {
    const opening = openSession(wrongStream as Duplex, options as SessionOptions);
    await expect(opening).rejects.toThrow(TypeError);
    await expect(opening).rejects.toThrow(message);
  });
});
