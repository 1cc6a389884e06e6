import { setImmediate as nextTurn } from "node:timers/promises";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { readUntil } from "../../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../../internal/testkit/src/raw-peer.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { ManualClock } from "../../test/manual-clock.js";
import { silentSlips } from "../../test/silent-slips.js";
import { PlainCodec } from "../codec/frame-codec.js";
import { Heartbeat } from "../heartbeat/heartbeat.js";
import { FEATURE } from "../negotiation/offer.js";
import { PLAIN_SECURITY } from "../security.js";
import { PeerCore } from "./peer-core.js";
import { PeerSession } from "./peer-session.js";

const MIB = 1_048_576;
const ping = (id: number): string => `0000000900000000010000000${id}`;
const PONG_BYTES = 13;
const PONG = Buffer.from("00000009000000000200000001", "hex");

class TestPeer extends PeerSession {}

/** Lets what was written to a stream of a memory pair arrive at its other end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}

interface Setup {
  readonly clock: ManualClock;
  readonly peer: TestPeer;
  readonly far: RawPeer;
  /** The emitted events, in order. */
  readonly events: string[];
  /** Lets so many ticks pass, each after the input of its moment. */
  readonly pass: (ticks: number) => Promise<void>;
}

/** A connected peer with a heartbeat of 8 ticks of 1 s, and the bare other end of its stream. */
async function setUp({
  features = FEATURE.controlFrames as number,
  idleTimeoutMs = 0,
  maxUnreadBytes = MIB,
} = {}): Promise<Setup> {
  const clock = new ManualClock();
  const times = { heartbeatMs: 8_000, idleTimeoutMs };
  const limits = { maxMessageSize: MIB, maxQueuedBytes: MIB, maxUnreadBytes, busyPollUs: 0, ...times };
  const events: string[] = [];
  const core: PeerCore = new PeerCore(
    {
      limits,
      slips: silentSlips,
      heartbeat: new Heartbeat(times, clock),
      security: PLAIN_SECURITY,
      status: "Listening",
      name: "orders",
      remote: "orders",
    },
    {
      onDisconnected: (error) => {
        core.setStatus("Disconnected");
        core.reader.emit("lost", error);
      },
      onSilence: ({ change, asked }) => events.push(`owner: ${change}, ${asked ? "" : "not "}asked`),
    },
  );
  const peer = untilTestEnds(new TestPeer(core));
  const [stream, farStream] = memoryPair();
  const outcome = { codec: new PlainCodec(), maxSendSize: MIB, features, peerEndsInResponse: true };
  core.connect({ stream, outcome, rest: new Uint8Array(0), remote: "orders" });
  await readUntil(peer, "Connected");
  peer.on("silent", (ms) => events.push(`silent ${ms}`));
  peer.on("responsive", (ms) => events.push(`responsive ${ms}`));
  peer.on("lost", ({ code, message }) => events.push(code, message));
  const pass = async (ticks: number): Promise<void> => {
    await settle();
    for (let tick = 0; tick < ticks; tick++) {
      clock.pass(1);
      await settle();
    }
  };
  return { clock, peer, far: new RawPeer(farStream), events, pass };
}

describe("a connection with a heartbeat", () => {
  it("sends three PINGs to a peer that stands still, emits `silent`, and stays connected", async () => {
    const { pass, far, events, peer } = await setUp();
    await pass(1 + 32);
    expect((await far.read(39)).toString("hex")).toBe(ping(1) + ping(2) + ping(3));
    expect(events).toEqual(["owner: silent, asked", "silent 32000"]);
    expect(peer.status).toBe("Connected");
  });

  it("emits nothing while the peer answers", async () => {
    const { pass, far, events } = await setUp();
    for (let round = 0; round < 20; round++) {
      await pass(9);
      await far.read(PONG_BYTES);
      far.stream.write(PONG);
    }
    expect(events).toEqual([]);
  });

  it("emits `responsive` before the message that ends a silence", async () => {
    const { pass, far, events, peer } = await setUp();
    await pass(1 + 34);
    peer.on("message", (message) => events.push(message.text()));
    far.stream.write(plainFrame(1, "back"));
    await pass(0);
    expect(events.slice(2)).toEqual(["owner: responsive, asked", "responsive 34000", "back"]);
    await pass(1 + 32);
    expect(events.slice(5)).toEqual(["owner: silent, asked", "silent 32000"]);
  });

  it("counts any byte as a sign of life, also one that completes no frame", async () => {
    const { pass, far, events } = await setUp();
    for (const byte of plainFrame(1, "in pieces")) {
      await pass(30);
      far.write(byte);
    }
    expect(events).toEqual([]);
  });

  it("measures the silence of a peer without control frames, and sends it nothing", async () => {
    const { pass, far, events } = await setUp({ features: 0 });
    let sent = 0;
    far.stream.on("data", ({ length }: Buffer) => {
      sent += length;
    });
    await pass(1 + 32);
    far.stream.write(plainFrame(1, "idle, not gone"));
    await pass(1);
    expect(events).toEqual([
      "owner: silent, not asked",
      "silent 32000",
      "owner: responsive, not asked",
      "responsive 32000",
    ]);
    expect(sent).toBe(0);
  });

  it("sends PINGs while nothing reads its messages, and emits no `silent`", async () => {
    const { pass, far, events, peer } = await setUp({ maxUnreadBytes: 1_024, idleTimeoutMs: 16_000 });
    far.stream.write(plainFrame(1, "a".repeat(2_000)));
    await pass(100);
    expect((await far.read(PONG_BYTES)).toString("hex")).toBe(ping(1));
    expect(peer.stats.unreadBytes).toBe(2_160);
    expect(events).toEqual([]);
    await peer.read();
    await pass(1 + 16);
    expect(events.slice(0, 1)).toEqual(["IPC_CONNECTION_LOST"]);
  });

  it("emits no `silent` while it decodes the peer's bytes in time slices", async () => {
    const { clock, far, events, peer } = await setUp({ idleTimeoutMs: 16_000 });
    // Each sample of the clock ends a time slice, and there is one for 16 messages.
    let now = 0;
    const spy = vi.spyOn(performance, "now").mockImplementation(() => ++now);
    onTestFinished(() => spy.mockRestore());
    far.stream.write(Buffer.concat(Array.from({ length: 16 * 40 }, () => plainFrame(1, ""))));
    await settle();
    for (let turn = 0; turn < 30; turn++) {
      clock.pass(1);
      await nextTurn();
    }
    expect(peer.stats.messagesReceived).toBeLessThan(16 * 40);
    expect(events).toEqual([]);
  });

  it("ends after the idle time, with the figures and the messages that were not sent", async () => {
    const { clock, pass, far, events, peer } = await setUp({ idleTimeoutMs: 40_000 });
    await pass(1 + 40);
    expect(events.slice(2)).toEqual([
      "IPC_CONNECTION_LOST",
      "nothing arrived for 40000 ms, the limit of `idleTimeoutMs`: 0 messages were accepted and not sent",
    ]);
    expect(peer.status).toBe("Disconnected");
    await far.gone;
    expect(clock.timers.size).toBe(0);
  });

  it.each([
    ["close", (peer: TestPeer) => peer.close()],
    ["destroy", async (peer: TestPeer) => peer.destroy()],
  ])("has no timer after %s, and emits nothing more", async (_what, end) => {
    const { clock, pass, far, events, peer } = await setUp();
    await pass(1 + 32);
    const ending = end(peer);
    expect(clock.timers.size).toBe(0);
    far.stream.end(PONG);
    await ending;
    expect(events).toEqual(["owner: silent, asked", "silent 32000"]);
  });
});
