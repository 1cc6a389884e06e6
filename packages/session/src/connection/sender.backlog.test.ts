import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { bytes, HeldStream } from "../../test/held-sender.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { someSession } from "../../test/some-session.js";
import { PlainCodec } from "../codec/frame-codec.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { Sender } from "./sender.js";
import { TURN_BYTES } from "./turn-budget.js";
import { WriteQueue } from "./write-queue.js";

const MESSAGES = 20_000;
const MESSAGE_BYTES = 64;
const FRAME_BYTES = 72;
/** More than all messages. */
const MUCH = 16_777_216;
/** The watcher may have missed a turn, and a message may exceed the budget. */
const MOST = 2 * (TURN_BYTES / (MESSAGE_BYTES + 160) + 1);

function senderOf(session: ResumableSession | undefined, maxQueuedBytes: number) {
  const stream = new HeldStream();
  const waiting = new WriteQueue(MUCH, unawaitedWrites);
  const exhausted = (error: Error): never => {
    throw error;
  };
  const encoder = new PlainCodec();
  const sender = new Sender({ stream, encoder, maxQueuedBytes, busyPollUs: 0, waiting, exhausted, session });
  return { stream, sender, waiting };
}

/** Watches how much `count` grows in a turn of the event loop, from `start` in this one until it has reached `end`. */
async function mostInTurn(count: () => number, start: number, end: number): Promise<number> {
  let before = start;
  let most = count() - start;
  while (before < end) {
    await nextTurn();
    const now = count();
    most = Math.max(most, now - before);
    before = now;
  }
  return most;
}

describe("a sender whose kernel takes everything at once", () => {
  it("accepts at most 256 KiB of the writes that waited for it in a turn of the event loop", async () => {
    const { sender, stream } = senderOf(undefined, 1_000);
    stream.holds = true;
    void sender.write(1, bytes(1_000), undefined);
    for (let count = 0; count < MESSAGES; count++) void sender.write(2, bytes(MESSAGE_BYTES), undefined);
    await nextTurn();
    expect(sender.acceptedMessages).toBe(1);
    stream.holds = false;
    void stream.release();
    expect(await mostInTurn(() => sender.acceptedMessages, 1, 1 + MESSAGES)).toBeLessThanOrEqual(MOST);
  });

  it("accepts at most as much in a turn when one acknowledgement makes room for all of them", async () => {
    const session = someSession({ bufferBytes: 2_000_000 });
    const { sender } = senderOf(session, MUCH);
    sender.start();
    await sender.write(1, bytes(2_000_000), undefined);
    for (let count = 0; count < MESSAGES; count++) void sender.write(2, bytes(MESSAGE_BYTES), undefined);
    await nextTurn();
    expect(sender.acceptedMessages).toBe(1);
    session.acknowledge({ received: 1, taken: 0 });
    sender.onRoom();
    expect(await mostInTurn(() => sender.acceptedMessages, 1, 1 + MESSAGES)).toBeLessThanOrEqual(MOST);
  });

  it("sends at most as much again in a turn of what earlier connections have left, then what waited, in order", async () => {
    const session = someSession({ bufferBytes: MESSAGES * FRAME_BYTES });
    for (let count = 0; count < MESSAGES; count++) session.resend.keepMessage(1, bytes(MESSAGE_BYTES), true);
    session.resend.rewind();
    const { sender, stream } = senderOf(session, MUCH);
    sender.start();
    const last = sender.write(2, bytes(MESSAGE_BYTES), undefined);
    const sent = (): number => session.resend.handed;
    expect(await mostInTurn(sent, 0, MESSAGES)).toBeLessThanOrEqual(MOST);
    session.acknowledge({ received: MESSAGES, taken: 0 });
    sender.onRoom();
    await last;
    await sender.flush(undefined);
    expect(stream.messages()).toEqual([...new Array(MESSAGES).fill("1:64"), "2:64"]);
  });

  it("goes on with nothing in a later turn when its connection has ended", async () => {
    const session = someSession({ bufferBytes: MESSAGES * FRAME_BYTES });
    for (let count = 0; count < MESSAGES; count++) session.resend.keepMessage(1, bytes(MESSAGE_BYTES), true);
    session.resend.rewind();
    const { sender, stream } = senderOf(session, MUCH);
    sender.start();
    sender.detach(new Error("cut"));
    const { length } = stream.writes;
    await nextTurn();
    await nextTurn();
    expect(stream.writes).toHaveLength(length);
    expect(session.resend.handed).toBeLessThan(MESSAGES);
  });
});

it("yields to the event loop, in which acknowledgements are read, with each flush once a session keeps half of its limit", async () => {
  const { sender } = senderOf(someSession({ bufferBytes: 20_000 }), MUCH);
  const yields: boolean[] = [];
  for (let count = 0; count < 3; count++) {
    void sender.write(1, bytes(5_000));
    let hasYielded = false;
    setImmediate(() => {
      hasYielded = true;
    });
    await sender.flush(undefined);
    yields.push(hasYielded);
    await nextTurn();
  }
  expect(yields).toEqual([false, true, true]);
});
