import type { IpcError } from "@ipc/session";
import { memory } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { collect, failureOf, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { name, pair } from "../test/paired.js";
import { type Client, startClient } from "./client.js";

/** Writes until the kernel and the queue take no more, the far side not reading. Handles what the writes reject with. */
async function clog(client: Client): Promise<Promise<void>[]> {
  const writes = Array.from({ length: 40 }, (_, i) => client.write(1, Buffer.alloc(60_000, `${i}`)));
  void Promise.allSettled(writes);
  await eventually(() => expect(client.stats.queuedBytes).toBeGreaterThan(1_048_576));
  return writes;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** A client that is connected to a server without encryption, whose bytes the test writes. */
async function rawPair(): Promise<{ client: Client; server: RawPeer; far: FarServer }> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  const starting = startClient({ name, directory, retryMs: 1, encryption: false, maxMessageSize: 1_024 });
  const server = new RawPeer(await far.next());
  await server.serve();
  return { client: untilTestEnds(await starting), server, far };
}

describe("a client whose connection ends", () => {
  it("reconnects each time, and delivers each message once and in order (golang-ipc: row 21, TestClientReconnect)", async () => {
    const { client, session, far } = await pair();
    await readUntil(client, "Connected");
    let current = session;
    for (let i = 1; i <= 20; i++) {
      // In turn: in order, and cut.
      if (i % 2 === 0) await current.close();
      else current.destroy();
      current = await far.session();
      await readUntil(client, "Connected");
      const texts = Array.from({ length: 10 }, (_, message) => `${i}.${message}`);
      for (const text of texts) await client.write(1, text);
      expect(await readUntil(current, `${i}.9`)).toEqual(["Connected", ...texts]);
    }
    expect(client.stats).toMatchObject({ reconnects: 20, messagesSent: 200 });
  });

  it("rejects a write before the next connection with IPC_NOT_CONNECTED and the status (golang-ipc: row 25)", async () => {
    const { client, session, far } = await pair({ retryMs: 1_000_000 });
    const gone = nextEvent(client, "status");
    await far.close();
    await session.close();
    expect(await gone).toBe("Reconnecting");
    for (const promise of [client.write(1, "late"), client.flush()]) {
      expect(await failureOf(promise)).toMatchObject({
        code: "IPC_NOT_CONNECTED",
        message: expect.stringContaining("(status: Reconnecting)"),
      });
    }
  });

  it("rejects every pending write and flush with IPC_CONNECTION_LOST and the figures of what was not sent (golang-ipc: row 23)", async () => {
    const { client, session } = await pair({}, { maxUnreadBytes: 1_024 });
    const clogged = await clog(client);
    const writes = [client.write(1, "small"), client.write(2, Buffer.alloc(70_000)), client.flush(), clogged.at(-1)];
    const failures = writes.map((write) => failureOf(write as Promise<void>));
    const lost = nextEvent(client, "lost");
    session.destroy();
    for (const error of await Promise.all(failures)) expect(error).toMatchObject({ code: "IPC_CONNECTION_LOST" });
    expect((await lost).message).toMatch(/[1-9]\d* messages were accepted and not sent/);
  });

  it("never sends a message that was queued for the old server to the new one (golang-ipc: row 22)", async () => {
    const { client, session, far } = await pair({}, { maxUnreadBytes: 1_024 });
    const outcomes = Promise.allSettled(await clog(client));
    session.destroy();
    expect((await outcomes).at(-1)).toMatchObject({ reason: { code: "IPC_CONNECTION_LOST" } });
    const next = await far.session();
    await readUntil(client, "Reconnecting");
    await readUntil(client, "Connected");
    await client.write(1, "new");
    expect((await readData(next)).text()).toBe("new");
  });

  it("keeps the messages received before, also when no caller reads for a long time", async () => {
    const { client, session, far } = await pair({ maxUnreadBytes: 1_024 });
    const texts = Array.from({ length: 500 }, (_, i) => `${i} ${"x".repeat(1_000)}`);
    const sending = (async () => {
      for (const text of texts) await session.write(1, text);
      await session.close();
    })();
    // The budget is used up, the rest waits with the kernel and the far side.
    await eventually(() => expect(client.stats.unreadBytes).toBeGreaterThan(1_024));
    const words = await readUntil(client, texts.at(-1) as string);
    await sending;
    expect(words).toEqual(["Connecting", "Connected", ...texts]);
    await far.session();
    expect(await readUntil(client, "Connected")).toEqual(["Reconnecting", "Connected"]);
  });

  it.each(["reject", "wait"] as const)(
    "sends no reply to a message of the old connection over the new one, and sends a write over the new one: %s",
    async (writeWhileReconnecting) => {
      const { client, session, far } = await pair({ writeWhileReconnecting });
      await session.write(1, "question");
      const question = await readData(client);
      await session.close();
      const next = await far.session();
      await eventually(() => expect(client.status).toBe("Connected"));
      expect(await failureOf(question.reply(2, "answer"))).toMatchObject({ code: "IPC_CONNECTION_LOST" });
      await client.write(1, "new");
      expect(await readUntil(next, "new")).toEqual(["Connected", "new"]);
    },
  );

  it("reconnects without a read when the unread messages fit the budget", async () => {
    const { client, session, far } = await pair();
    await session.write(1, "unread");
    await session.close();
    await far.session();
    await eventually(() => expect(client.stats.reconnects).toBe(1));
    expect(client.status).toBe("Connected");
  });

  it.each([
    ["secure", { encryption: true }, "IPC_CONNECTION_LOST", "IPC_RECORD_TRUNCATED"],
    ["compatible", { security: { wire: "golang-ipc" } }, "IPC_PEER_CLOSED", undefined],
    ["plain", { encryption: false }, "IPC_CONNECTION_LOST", "IPC_FRAME_TRUNCATED"],
  ] as const)(
    "emits 'lost' once with its cause for each end, and no 'error': %s",
    async (mode, options, code, cause) => {
      const { client, session, far } = await pair(options, options);
      expect(client.security.mode).toBe(mode);
      const lost = collect(client, "lost");
      const errors = collect(client, "error");
      await session.close();
      const second = await far.session(options);
      await eventually(() => expect(client.stats.reconnects).toBe(1));
      // golang-ipc's encryption does not know an end that was asked for from a cut.
      second.destroy();
      await far.session(options);
      await eventually(() => expect(client.stats.reconnects).toBe(2));
      expect(lost.map((error) => error.code)).toEqual(["IPC_PEER_CLOSED", code]);
      expect(lost[0]?.message).toBe("connection closed by the peer: 0 messages were accepted and not sent");
      expect((lost[1]?.cause as IpcError | undefined)?.code).toBe(cause);
      expect(errors).toEqual([]);
    },
  );

  it("does not redial when a listener of 'lost' closes it", async () => {
    const { client, session, far } = await pair();
    const statuses = collect(client, "status");
    const closed = nextEvent(client, "close");
    client.on("lost", () => void client.close());
    session.destroy();
    await closed;
    expect(statuses).toEqual(["Reconnecting", "Closing", "Closed"]);
    expect(far.connections).toBe(1);
  });

  it("connects to another listener of the same memory() transport", async () => {
    const transport = memory();
    const far = await FarServer.listen(transport, name);
    const starting = startClient({ name, transport, retryMs: 1 });
    const session = await far.session();
    const client = untilTestEnds(await starting);
    await far.close();
    session.destroy();
    const other = await FarServer.listen(transport, name);
    const next = await other.session();
    await next.write(1, "other");
    expect((await readData(client)).text()).toBe("other");
  });

  it.each([
    ["busy", "02", "IPC_SERVER_BUSY"],
    ["that the key was withdrawn", "03", "IPC_SECURITY_REFUSED"],
  ])("emits the reason of a server that says %s, and redials", async (_what, reason, code) => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const starting = startClient({ name, directory, retryMs: 1, encryption: false });
    const server = new RawPeer(await far.next());
    server.write(2, 0);
    await server.read(1);
    // An offer without a name, with control frames.
    server.stream.write(hex(`00000030 00300000 49504358 01000000 00010000 ${"00".repeat(32)}`));
    await server.read(9);
    const client = untilTestEnds(await starting);
    const lost = nextEvent(client, "lost");
    // The reason, then closing.
    const goaway = (byte: string): string => `00000016 00000000 03${byte} ${"00".repeat(16)}`;
    server.stream.end(hex(goaway(reason) + goaway("00")));
    expect(await lost).toMatchObject({ code });
    await readUntil(client, "Reconnecting");
    await far.session({ encryption: false });
    expect(await readUntil(client, "Connected")).toEqual(["Connected"]);
  });
});

describe("a client emits 'lost' and redials when its connection ends without the user's doing:", () => {
  it.each([
    ["a frame one byte over the limit", [0, 0, 4, 5], "IPC_FRAME_TOO_LARGE", /1029 bytes.*1028/],
    ["a frame of 4 GiB (golang-ipc: row 12)", [0xff, 0xff, 0xff, 0xff], "IPC_FRAME_TOO_LARGE", /4294967295/],
    ["a body without room for its type (golang-ipc: row 13)", [0, 0, 0, 3], "IPC_FRAME_TOO_SHORT", /3 bytes/],
  ])("%s", async (_what, bytes, code, figures) => {
    const { client, server, far } = await rawPair();
    const lost = nextEvent(client, "lost");
    server.stream.write(plainFrame(7, "whole"));
    server.write(...bytes);
    const error = await lost;
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(figures);
    await server.gone;
    await new RawPeer(await far.next()).serve();
    expect(await readUntil(client, "whole")).toEqual(["Connecting", "Connected", "whole"]);
    expect(await readUntil(client, "Connected")).toEqual(["Reconnecting", "Connected"]);
  });

  it("an end in the middle of a frame, of which nothing is delivered (golang-ipc: row 14, row 15)", async () => {
    for (let cut = 1; cut < 12; cut++) {
      const { client, server, far } = await rawPair();
      const lost = nextEvent(client, "lost");
      server.stream.end(plainFrame(7, "half").subarray(0, cut));
      expect(await lost).toMatchObject({ code: "IPC_CONNECTION_LOST", cause: { code: "IPC_FRAME_TRUNCATED" } });
      await new RawPeer(await far.next()).serve();
      expect(await readUntil(client, "Reconnecting")).toEqual(["Connecting", "Connected", "Reconnecting"]);
      client.destroy();
    }
  });

  it.each([
    ["a frame, in golang-ipc's protocol", { wire: "golang-ipc" }, [0, 0, 0, 40]],
    ["a record, in a secure session", { wire: "auto" }, [2, 0, 0, 40]],
  ] as const)("a message that is not sealed with the key: %s (golang-ipc: row 20)", async (_what, security, header) => {
    const { client, far } = await pair({ security }, { security });
    const lost = nextEvent(client, "lost");
    far.latest.write(Buffer.concat([Buffer.from(header), Buffer.alloc(40)]));
    expect(await lost).toMatchObject({ code: "IPC_DECRYPTION_FAILED" });
    await far.session({ security });
    expect(await readUntil(client, "Reconnecting")).toEqual(["Connecting", "Connected", "Reconnecting"]);
  });

  it("a client ignores frames of type 0, as golang-ipc does", async () => {
    const { client, server } = await rawPair();
    server.stream.write(Buffer.concat([plainFrame(0, "control"), plainFrame(1, "data")]));
    expect(await readUntil(client, "data")).toEqual(["Connecting", "Connected", "data"]);
    expect(client.stats.messagesReceived).toBe(1);
  });
});
