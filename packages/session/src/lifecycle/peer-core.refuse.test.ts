import { setImmediate as nextTurn } from "node:timers/promises";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { failureOf, readToEnd } from "../../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { HeldStream } from "../../test/held-sender.js";
import { silentSlips } from "../../test/silent-slips.js";
import { PlainCodec } from "../codec/frame-codec.js";
import { type IpcError, isConnectionError, SessionError } from "../errors.js";
import { FEATURE } from "../negotiation/offer.js";
import { PLAIN_SECURITY } from "../security.js";
import { PeerCore } from "./peer-core.js";
import { PeerSession } from "./peer-session.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const HI = hex("00000006 00000001 6869");
const goaway = (reason: number): Buffer => hex(`00000016 00000000 03 0${reason} ${"00".repeat(16)}`);
const why = new SessionError("IPC_SECURITY_REFUSED", "withdrawn");

class TestPeer extends PeerSession {}

interface Setup {
  readonly core: PeerCore;
  readonly peer: TestPeer;
  /** Every end that the owner was told, and whether it was clean. */
  readonly ends: [IpcError, boolean][];
}

/** A peer that is connected over `stream`, and has no further connection. */
function connect(
  stream: Parameters<PeerCore["connect"]>[0]["stream"],
  features: number = FEATURE.controlFrames,
): Setup {
  const sizes = { maxMessageSize: 1_024, maxQueuedBytes: 1_024, maxUnreadBytes: 1_024 };
  const limits = { ...sizes, busyPollUs: 0, heartbeatMs: 0, idleTimeoutMs: 0 };
  const ends: [IpcError, boolean][] = [];
  const core: PeerCore = new PeerCore(
    { limits, slips: silentSlips, security: PLAIN_SECURITY, status: "Listening", name: "orders", remote: "orders" },
    {
      onDisconnected: (error, clean) => {
        ends.push([error, clean]);
        core.finish("Disconnected");
      },
    },
  );
  const peer = untilTestEnds(new TestPeer(core));
  const codec = new PlainCodec(features === 0 ? "none" : "GOAWAY");
  const outcome = { codec, maxSendSize: 1_024, features, peerEndsInResponse: true };
  core.connect({ stream, outcome, rest: new Uint8Array(0), remote: "orders" });
  return { core, peer, ends };
}

describe("a connection that is refused", () => {
  it.each([
    [
      "GOAWAY with the reason, the announcement of the end",
      FEATURE.controlFrames,
      Buffer.concat([HI, goaway(3), goaway(0)]),
    ],
    ["no GOAWAY to a peer without control frames", 0, HI],
  ] as const)("sends the messages accepted before, %s, and the end", async (_what, features, expected) => {
    const [stream, far] = memoryPair();
    const { core, ends } = connect(stream, features);
    void core.write(1, "hi", undefined);
    core.refuse(why);
    expect(ends).toEqual([[why, false]]);
    const sent: Buffer[] = [];
    for await (const chunk of far) sent.push(chunk);
    expect(Buffer.concat(sent)).toEqual(expected);
  });

  it("delivers nothing that arrives later, and keeps its unread messages", async () => {
    const [stream, far] = memoryPair();
    const { core, peer } = connect(stream);
    far.write(HI);
    while (peer.stats.messagesReceived === 0) await nextTurn();
    far.write(HI);
    core.refuse(why);
    far.write(HI);
    expect(await readToEnd(peer)).toEqual(["Connected", "hi", "Disconnected", "IPC_CLOSED"]);
    expect(peer.stats.messagesReceived).toBe(1);
  });

  it("delivers nothing behind the message in whose listener it is refused", async () => {
    const [stream, far] = memoryPair();
    const { core, peer, ends } = connect(stream);
    const texts: string[] = [];
    peer.on("message", (message) => {
      texts.push(message.text());
      core.refuse(why);
    });
    far.write(Buffer.concat([HI, HI, HI]));
    while (ends.length === 0) await nextTurn();
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    expect([texts, ends.length]).toEqual([["hi"], 1]);
  });

  it("rejects pending writes and flushes with the error of a connection's end", async () => {
    const stream = new HeldStream();
    stream.holds = true;
    const { core } = connect(stream);
    const writes = [1, 2, 3].map((type) => core.write(type, new Uint8Array(600), undefined));
    const waits = [failureOf(core.flush(undefined)), failureOf(writes[2] as Promise<void>)];
    await nextTurn();
    core.refuse(why);
    expect(await Promise.all(waits)).toEqual([why, why]);
    expect(isConnectionError(why)).toBe(true);
    // Messages that had been accepted go out ahead of the announcement.
    await stream.releaseAll();
    expect(stream.messages()).toEqual(["1:600", "2:600", "0:18", "0:18"]);
  });

  it("destroys the connection of a peer that does not read after 250 ms", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const stream = new HeldStream();
    stream.holds = true;
    const { core } = connect(stream);
    void core.write(1, "hi", undefined);
    core.refuse(why);
    vi.advanceTimersByTime(249);
    expect(stream.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(stream.destroyed).toBe(true);
  });

  it("does nothing to a peer that has closed", async () => {
    const [stream, far] = memoryPair();
    far.on("end", () => far.end()).resume();
    const { core, ends } = connect(stream);
    await core.close(1_000);
    core.refuse(why);
    expect(ends).toEqual([]);
  });
});

describe("a connection that is refused while it closes", () => {
  it("sends GOAWAY with the reason once, ahead of the announcement of the end, and closes", async () => {
    const [stream, far] = memoryPair();
    const { core, ends } = connect(stream);
    void core.write(1, "hi", undefined);
    const closed = core.close(60_000);
    core.refuse(why);
    core.refuse(why);
    const sent: Buffer[] = [];
    for await (const chunk of far) sent.push(chunk);
    await closed;
    expect(Buffer.concat(sent)).toEqual(Buffer.concat([HI, goaway(3), goaway(0)]));
    expect(ends).toEqual([]);
  });

  it.each([
    ["250 ms left to send what was accepted", 250, 60_000, 250, why],
    [
      "no more time than the close had left",
      100,
      1_000,
      1_000,
      expect.objectContaining({ message: "close timed out" }),
    ],
  ])("has %s", async (_what, leftMs, timeoutMs, toldMs, cause) => {
    const stream = new HeldStream();
    stream.holds = true;
    const { core } = connect(stream);
    void core.write(1, "hi", undefined);
    const pass = stopClock();
    const closed = failureOf(core.close(timeoutMs));
    if (leftMs < 250) pass(timeoutMs - leftMs);
    core.refuse(why);
    pass(leftMs - 1);
    expect(stream.destroyed).toBe(false);
    pass(1);
    expect(await closed).toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringContaining(`within ${toldMs} ms: 1 messages`),
      cause: { code: "IPC_ABORTED", cause },
    });
    expect(stream.destroyed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits 250 ms for the peer's end when all is sent, and the close resolves", async () => {
    const [stream, far] = memoryPair();
    const { core } = connect(stream);
    const ended = new Promise((resolve) => far.once("end", resolve).resume());
    far.end = () => far;
    const pass = stopClock();
    const closed = core.close(60_000);
    await ended;
    core.refuse(why);
    pass(249);
    expect(stream.destroyed).toBe(false);
    pass(1);
    await closed;
    expect([stream.destroyed, vi.getTimerCount()]).toEqual([true, 0]);
    far.destroy();
  });

  it("lets nothing follow the 250 ms that the close had left when it was refused between two of its steps", async () => {
    const stream = new HeldStream();
    stream.holds = true;
    const { core } = connect(stream);
    void core.write(1, "hi", undefined);
    const pass = stopClock();
    const closed = core.close(60_000);
    core.refuse(why);
    pass(200);
    await stream.releaseAll();
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    expect([stream.messages(), stream.destroyed]).toEqual([["1:2", "0:18", "0:18"], false]);
    pass(50);
    await closed;
    expect([stream.destroyed, vi.getTimerCount()]).toEqual([true, 0]);
  });
});
