import { array, assert, asyncProperty, constantFrom } from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { bytes, HeldStream, heldSender, nextTurn } from "../../test/held-sender.js";
import { recordPair, recordsIn } from "../../test/record-pair.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { SessionError } from "../errors.js";
import { ControlChannel } from "./control-channel.js";
import { Sender } from "./sender.js";
import { WriteQueue } from "./write-queue.js";

const PING = 1;

interface Setup {
  readonly channel: ControlChannel;
  readonly stream: HeldStream;
  readonly sender: Sender;
  /** The reasons of the GOAWAYs. */
  readonly reasons: string[];
}

function setUp(): Setup {
  const { sender, stream } = heldSender(1_024);
  const reasons: string[] = [];
  return { channel: new ControlChannel(sender, (reason) => reasons.push(reason)), stream, sender, reasons };
}

function ping(id: number): Uint8Array {
  const data = Buffer.alloc(5, PING);
  data.writeUInt32BE(id, 1);
  return data;
}

/** All that was written, in hex, a frame each. */
function framesIn(stream: HeldStream): string[] {
  const written = Buffer.concat(stream.writes);
  const frames: string[] = [];
  for (let at = 0; at < written.length; at += 4 + written.readUInt32BE(at)) {
    frames.push(written.subarray(at, at + 4 + written.readUInt32BE(at)).toString("hex"));
  }
  return frames;
}

const pong = (id: number): string => `000000090000000002${id.toString(16).padStart(8, "0")}`;

describe("a control channel", () => {
  it("answers a PING with a PONG of its id", async () => {
    const { channel, stream } = setUp();
    channel.receive(ping(0xfffefdfc));
    await nextTurn();
    expect(framesIn(stream)).toEqual([pong(0xfffefdfc)]);
  });

  it("queues one PONG for any number of PINGs, and then answers the newest", async () => {
    const { channel, stream, sender } = setUp();
    stream.holds = true;
    for (let id = 1; id <= 100_000; id++) channel.receive(ping(id));
    await nextTurn();
    expect([framesIn(stream), sender.queuedBytes]).toEqual([[pong(1)], 13]);
    await stream.release();
    expect([framesIn(stream), sender.queuedBytes]).toEqual([[pong(1), pong(100_000)], 13]);
    await stream.releaseAll();
    expect([framesIn(stream).length, sender.queuedBytes]).toEqual([2, 0]);
  });

  it("has one PONG in flight at most, and answers the last PING in the end", async () => {
    const steps = array(constantFrom("ping", "turn", "release"), { minLength: 5, maxLength: 60 });
    await assert(
      asyncProperty(steps, async (history) => {
        const { channel, stream, sender } = setUp();
        stream.holds = true;
        let id = 0;
        for (const step of history) {
          if (step === "ping") channel.receive(ping(++id));
          else if (step === "turn") await nextTurn();
          else await stream.release();
          expect(sender.queuedBytes).toBeLessThanOrEqual(13);
        }
        await stream.releaseAll();
        expect(framesIn(stream).at(-1)).toBe(id === 0 ? undefined : pong(id));
      }),
    );
  });

  it("answers between the accepted messages and the waiting ones", async () => {
    const { channel, stream, sender } = setUp();
    stream.holds = true;
    void sender.write(1, bytes(2_000), undefined);
    const waits = sender.write(2, bytes(10), undefined);
    channel.receive(ping(7));
    await stream.releaseAll();
    await waits;
    await sender.flush(undefined);
    expect(stream.messages()).toEqual(["1:2000", "0:5", "2:10"]);
  });

  it("counts a control frame among the queued bytes and among no messages", async () => {
    const { channel, stream, sender } = setUp();
    stream.holds = true;
    void sender.write(1, bytes(3), undefined);
    channel.receive(ping(7));
    expect([sender.unsent.messages, sender.queuedBytes]).toEqual([1, 11 + 13]);
    expect([sender.acceptedMessages, sender.acceptedBytes]).toEqual([1, 3]);
    await stream.releaseAll();
    expect([sender.unsent.messages, sender.queuedBytes]).toEqual([0, 0]);
  });

  it("sends a PING behind the messages before it, in one write", async () => {
    const { channel, stream, sender } = setUp();
    void sender.write(1, bytes(0), undefined);
    channel.ping();
    await nextTurn();
    expect(stream.writes).toHaveLength(1);
    expect(framesIn(stream)).toEqual(["0000000400000001", "00000009000000000100000001"]);
  });

  it("sends the next PING, with an id of its own, only when the kernel has the one before", async () => {
    const { channel, stream } = setUp();
    stream.holds = true;
    for (let time = 0; time < 3; time++) {
      channel.ping();
      await nextTurn();
    }
    expect(framesIn(stream)).toEqual(["00000009000000000100000001"]);
    await stream.release();
    channel.ping();
    expect(framesIn(stream)).toEqual(["00000009000000000100000001", "00000009000000000100000002"]);
  });

  it("reports the reason of each GOAWAY", () => {
    const { channel, reasons } = setUp();
    for (const reason of ["01", "00", "02", "03"]) channel.receive(Buffer.from(`03${reason}${"00".repeat(16)}`, "hex"));
    expect(reasons).toEqual(["draining", "closing", "busy", "key withdrawn"]);
  });

  it.each(["0200000001", `0301${"00".repeat(16)}`, `04${"00".repeat(16)}`, "ff"])(
    "sends nothing in answer to %s",
    async (hex) => {
      const { channel, stream } = setUp();
      channel.receive(Buffer.from(hex, "hex"));
      await nextTurn();
      expect(stream.writes).toEqual([]);
    },
  );

  it.each([0, 1, 2])(
    "sends no PONG after it has announced the end, with %i writes before the flush",
    async (writes) => {
      const [near] = recordPair();
      const stream = new HeldStream();
      const waiting = new WriteQueue(1_024, unawaitedWrites);
      const exhausted = (error: Error): never => {
        throw error;
      };
      const sender = new Sender({ stream, encoder: near, maxQueuedBytes: 1_024, busyPollUs: 0, waiting, exhausted });
      const channel = new ControlChannel(sender, () => {});
      stream.holds = true;
      for (const id of [1, 2, 3]) channel.receive(ping(id));
      for (let count = 0; count < writes; count++) {
        void sender.write(1, bytes(2_000), undefined);
        await stream.release();
      }
      // As a connection does that is closed, and receives nothing from then on.
      const { signal } = new AbortController();
      const closed = sender.flush(signal).then(() => sender.closeNotify(signal));
      await stream.releaseAll();
      await closed;
      await nextTurn();
      const records = recordsIn(Buffer.concat(stream.writes));
      expect(records.indexOf("3:0")).toBe(records.length - 1);
      channel.ping();
      await nextTurn();
      expect(recordsIn(Buffer.concat(stream.writes))).toEqual(records);
    },
  );

  it("answers each PING over a stream that writes at once", async () => {
    const sendControl = vi.fn<Sender["sendControl"]>();
    const channel = new ControlChannel({ sendControl, flushed: () => undefined } as unknown as Sender, () => {});
    for (const id of [1, 2]) {
      channel.receive(ping(id));
      channel.ping();
      await nextTurn();
    }
    expect(sendControl).toHaveBeenCalledTimes(4);
  });

  it("sends nothing after its connection has failed, and leaves no unhandled rejection", async () => {
    const { channel, stream, sender } = setUp();
    stream.holds = true;
    channel.receive(ping(1));
    channel.receive(ping(2));
    await nextTurn();
    sender.fail(new SessionError("IPC_CONNECTION_LOST", "cut"));
    channel.receive(ping(3));
    channel.ping();
    await stream.releaseAll();
    expect(framesIn(stream)).toEqual([pong(1)]);
  });
});
