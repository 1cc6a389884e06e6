import { expect, it, onTestFinished } from "vitest";
import { HeldStream, nextTurn } from "../../test/held-sender.js";
import { recordPair, recordsIn } from "../../test/record-pair.js";
import { noteBatched, noteTickEnd } from "../scheduling/write-yield.js";
import { FrameOutput } from "./frame-output.js";
import { HeadStarts } from "./head-starts.js";

const DATA = new Uint8Array(64);

function outputTo(stream: HeldStream): FrameOutput {
  const failed = (error: Error): never => {
    throw error;
  };
  const [encoder] = recordPair();
  return new FrameOutput({ stream, encoder, busyPollUs: 0, resend: undefined, written: () => {}, failed });
}

const recordOf = (messages: number): string => `2:${messages * (8 + DATA.length)}`;

it("a kernel that has not taken the first batch of a tick is given the rest at its end", async () => {
  const stream = new HeldStream();
  stream.holds = true;
  const output = outputTo(stream);
  for (let count = 0; count < 100; count++) void output.addSmall(1, DATA, 1);
  await nextTurn();
  await stream.releaseAll();
  expect(recordsIn(Buffer.concat(stream.writes))).toEqual([recordOf(16), recordOf(84)]);
});

it("while all connections together have batched 256 KiB in a tick, each has one head start", async () => {
  const stream = new HeldStream();
  const output = outputTo(stream);
  onTestFinished(noteTickEnd);
  noteBatched(262_144);
  for (let count = 0; count < 50; count++) void output.addSmall(1, DATA, 1);
  expect(recordsIn(Buffer.concat(stream.writes))).toEqual([recordOf(16)]);
  await nextTurn();
  expect(recordsIn(Buffer.concat(stream.writes))).toEqual([recordOf(16), recordOf(34)]);
});

it("bursts of more than 32 KiB with a flush behind each are cut in the first one only", async () => {
  const stream = new HeldStream();
  const output = outputTo(stream);
  for (let burst = 0; burst < 3; burst++) {
    for (let count = 0; count < 1_000; count++) void output.addSmall(1, DATA, 1);
    output.handBatch();
    await nextTurn();
  }
  const batches = [16, 16, 16, 16, 909, 27, 909, 91, 909, 91];
  expect(recordsIn(Buffer.concat(stream.writes))).toEqual(batches.map(recordOf));
});

it("after a tick with a batch of 32 KiB or more no batch is cut, until there is one without", async () => {
  const stream = new HeldStream();
  const output = outputTo(stream);
  for (const messages of [600, 100, 100]) {
    for (let count = 0; count < messages; count++) void output.addSmall(1, DATA, 1);
    await nextTurn();
  }
  const cut = [16, 16, 16, 16];
  const batches = [...cut, 600 - 64, 100, ...cut, 36];
  expect(recordsIn(Buffer.concat(stream.writes))).toEqual(batches.map(recordOf));
});

it.each([
  ["behind sixteen messages", true, [1_000, 16, 0]],
  ["behind seventeen", false, [1_000, 17, 0]],
  ["behind seventeen, from 3 KiB on", true, [3_072, 17, 0]],
  ["behind one, from 3 KiB on", false, [3_072, 1, 0]],
  ["behind control frames alone", false, [3_072, 0, 0]],
  ["again, behind sixteen messages", true, [1_000, 16, 1]],
  ["again, behind seventeen, from 3 KiB on", false, [3_072, 17, 1]],
  ["a fourth time", true, [1_000, 16, 3]],
  ["a fifth time", false, [1_000, 16, 4]],
] as const)("the batch of a tick is cut %s: %s", (_what, is, [bytes, messages, given]) => {
  const headStarts = new HeadStarts(new HeldStream());
  for (let count = 0; count < given; count++) headStarts.take(1_000, 16, false);
  expect(headStarts.take(bytes, messages, false)).toBe(is);
});
