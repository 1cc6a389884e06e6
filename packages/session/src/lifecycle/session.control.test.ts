import { memoryPair } from "@ipc/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { collect, nextEvent } from "../../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../../internal/testkit/src/raw-peer.js";
import { HandmadePeer } from "../../test/handmade-peer.js";
import { isConnectionError } from "../errors.js";
import { openSession, type Session } from "./session.js";

const [AUTH, DATA, CLOSE] = [1, 2, 3];
const hex = (text: string): Buffer => Buffer.from(text, "hex");

const PING = hex("00000009000000000100000107");
const PONG = hex("00000009000000000200000107");
const goaway = (reason: number): Buffer => hex(`0000001600000000030${reason}${"00".repeat(16)}`);
const HI = hex("00000006000000016869");
/** A PING without an id. */
const SHORT = hex("000000050000000001");

interface Bare {
  readonly session: Session;
  readonly send: (frames: Uint8Array) => void;
  /** Ends the stream, without encryption as it is, in a secure session behind a CLOSE. */
  readonly end: () => void;
  /** Reads the next frames, or the record around them. */
  readonly read: (frameBytes: number) => Promise<Buffer>;
}

/** A session in the server's role without encryption, and its client as bare bytes. */
async function openPlain(select: string): Promise<Bare> {
  const [near, far] = memoryPair();
  const opening = openSession(near, { role: "server", encryption: false, maxMessageSize: 1_024 });
  const client = new RawPeer(far);
  await client.read(2);
  client.write(0);
  await client.read(52);
  far.write(hex(select));
  return finish({
    session: await opening,
    send: (frames) => void far.write(frames),
    end: () => void far.end(),
    read: (bytes) => client.read(bytes),
  });
}

/** The same in a secure session; what the server sends behind its AUTH is read as a record. */
async function openSecure(controlFrames: boolean): Promise<Bare> {
  const [near, far] = memoryPair();
  const opening = openSession(near, { role: "server", maxMessageSize: 1_024 });
  const client = await HandmadePeer.client(far, { controlFrames });
  const received = new RawPeer(far);
  client.say(AUTH, client.auth());
  const session = await opening;
  await received.read(52);
  return finish({
    session,
    send: (frames) => client.say(DATA, frames),
    end: () => {
      client.say(CLOSE);
      client.end();
    },
    read: async (bytes) => (await received.read(bytes + 20)).subarray(4, 4 + bytes),
  });
}

function finish(bare: Bare): Bare {
  onTestFinished(() => bare.session.destroy());
  return bare;
}

describe.each([
  ["plain", () => openPlain("800001000000300000"), (frames: Buffer) => frames],
  ["plain, with a client that takes 1 byte,", () => openPlain("800001000000000001"), (frames: Buffer) => frames],
  ["secure", () => openSecure(true), () => expect.any(Buffer)],
] as const)("a session with control frames, %s", (_mode, open, shown) => {
  test("answers a PING, and delivers neither it nor anything unknown", async () => {
    const { session, send, read } = await open();
    const messages = collect(session, "message");
    send(Buffer.concat([hex("00000084000000007f"), Buffer.alloc(127), PING, HI]));
    expect(await read(PONG.length)).toEqual(shown(PONG));
    expect(messages.map((message) => message.text())).toEqual(["hi"]);
    expect(session.stats).toMatchObject({ messagesReceived: 1, bytesReceived: 2, messagesSent: 0, bytesSent: 0 });
  });

  test("ends with IPC_RECORD_INVALID at a control frame of a wrong length, behind the messages before it", async () => {
    const { session, send } = await open();
    const messages = collect(session, "message");
    const lost = nextEvent(session, "lost");
    send(Buffer.concat([HI, SHORT, HI]));
    expect(await lost).toMatchObject({
      code: "IPC_RECORD_INVALID",
      message: expect.stringContaining("PING of 1 bytes"),
    });
    expect(messages).toHaveLength(1);
  });
});

describe.each([
  ["plain", () => openPlain("800001000000300000")],
  ["secure", () => openSecure(true)],
] as const)("a session whose peer sends GOAWAY, %s", (_mode, open) => {
  test("emits draining once, and continues", async () => {
    const { session, send } = await open();
    const [drains, messages] = [collect(session, "draining"), collect(session, "message")];
    send(Buffer.concat([goaway(1), HI, goaway(1), HI]));
    await eventually(() => expect(messages).toHaveLength(2));
    expect(drains).toHaveLength(1);
    expect(session.status).toBe("Connected");
  });

  test("emits draining once for several alternating reasons", async () => {
    const { session, send } = await open();
    const [drains, messages] = [collect(session, "draining"), collect(session, "message")];
    for (let turn = 0; turn < 100; turn++) send(Buffer.concat([goaway(1), goaway(2)]));
    send(Buffer.concat([goaway(0), goaway(1), HI]));
    await eventually(() => expect(messages).toHaveLength(1));
    expect(drains).toHaveLength(1);
  });

  test.each([
    ["busy", [2, 0], "IPC_SERVER_BUSY", "which is busy"],
    ["key withdrawn", [3, 0], "IPC_SECURITY_REFUSED", "which has withdrawn the key of this connection"],
    [
      "draining, busy and key withdrawn",
      [1, 2, 3, 2, 0],
      "IPC_SECURITY_REFUSED",
      "has withdrawn the key of this connection",
    ],
  ] as const)("ends with the code of %s, which is that of a connection", async (_what, reasons, code, message) => {
    const { session, send, end } = await open();
    const [lost, error] = [nextEvent(session, "lost"), nextEvent(session, "error")];
    send(Buffer.concat(reasons.map(goaway)));
    end();
    expect(await lost).toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`^connection ended by the peer, .*${message}: 0 messages`)),
    });
    expect((await error).code).toBe(code);
    expect(isConnectionError(await lost)).toBe(true);
  });

  test("ends as closed when its peer sends a reason behind closing, or only draining", async () => {
    for (const reasons of [
      [0, 3],
      [1, 0],
    ]) {
      const { session, send, end } = await open();
      const lost = collect(session, "lost");
      send(Buffer.concat(reasons.map(goaway)));
      end();
      await nextEvent(session, "close");
      expect(lost).toEqual([]);
    }
  });

  test("continues without an event for every other reason, known or not", async () => {
    const { session, send } = await open();
    const [drains, messages] = [collect(session, "draining"), collect(session, "message")];
    send(Buffer.concat([goaway(0), goaway(2), goaway(3), goaway(4), HI]));
    await eventually(() => expect(messages).toHaveLength(1));
    expect([drains.length, session.status]).toEqual([0, "Connected"]);
  });
});

test("a peer that has withdrawn a key is not lost although it is cut before it closes", async () => {
  const { session, send, end } = await openPlain("800001000000300000");
  const lost = nextEvent(session, "lost");
  send(goaway(3));
  end();
  expect(await lost).toMatchObject({ code: "IPC_SECURITY_REFUSED", cause: { code: "IPC_FRAME_TRUNCATED" } });
});

test("a session that is being closed emits draining no more", async () => {
  const { session, send } = await openPlain("800001000000300000");
  const drains = collect(session, "draining");
  const closed = session.close();
  send(goaway(1));
  await nextEvent(session, "close");
  expect(drains).toEqual([]);
  session.destroy();
  await closed;
});

test.each([
  ["plain, golang-ipc's protocol selected", () => openPlain("00")],
  ["plain, without the feature", () => openPlain("800000000000300000")],
  ["secure, without the feature", () => openSecure(false)],
] as const)("a session that has not negotiated them drops control frames of any length: %s", async (_mode, open) => {
  const { session, send } = await open();
  const messages = collect(session, "message");
  send(Buffer.concat([SHORT, PING, hex("0000000400000000"), hex("00000204"), Buffer.alloc(516), HI]));
  await nextEvent(session, "message");
  expect(messages.map((message) => message.text())).toEqual(["hi"]);
  expect(session.stats.queuedBytes).toBe(0);
  session.destroy();
});
