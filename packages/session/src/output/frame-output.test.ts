import type { Duplex } from "node:stream";
import { expect, it } from "vitest";
import { HeldStream, nextTurn } from "../../test/held-sender.js";
import { recordPair, recordsIn } from "../../test/record-pair.js";
import type { IpcError } from "../errors.js";
import { ResendBuffer } from "../resume/resend-buffer.js";
import { FrameOutput } from "./frame-output.js";

const MIB = 1_048_576;

interface Held {
  readonly output: FrameOutput;
  readonly stream: HeldStream;
  readonly failures: IpcError[];
  /** One for each call. */
  readonly written: undefined[];
}

interface HeldOptions {
  readonly holds: boolean;
  readonly resend?: ResendBuffer;
  /** @default that of the result */
  readonly to?: Duplex;
}

function held({ holds, resend, to }: HeldOptions): Held {
  const stream = new HeldStream();
  stream.holds = holds;
  const failures: IpcError[] = [];
  const written: undefined[] = [];
  const [encoder] = recordPair();
  const output = new FrameOutput({
    stream: to ?? stream,
    encoder,
    busyPollUs: 0,
    resend,
    written: () => void written.push(undefined),
    failed: (error) => failures.push(error),
  });
  return { output, stream, failures, written };
}

/** Bytes that were given to the stream. */
const givenBytes = ({ output }: Held): number => output.tracker.handedBytes - output.queuedBytes;

it("writes one record of a large message at once, and seals further when the kernel has taken some", async () => {
  const { output, stream } = held({ holds: true });
  output.addLarge(1, new Uint8Array(MIB));
  const whole = output.queuedBytes;
  expect([output.isBusy, stream.writableLength]).toEqual([true, 262_144 + 20]);
  await stream.release();
  expect([output.isBusy, output.queuedBytes]).toEqual([true, whole - (20 + 262_144)]);
  while (output.isBusy) await stream.release();
  await stream.releaseAll();
  expect(output.queuedBytes).toBe(0);
  expect(recordsIn(Buffer.concat(stream.writes))).toEqual([...new Array<string>(4).fill("2:262144"), "2:8"]);
});

it("seals the next record of a large message while the kernel takes one, and none beyond it", async () => {
  const { output, stream } = held({ holds: true });
  output.addLarge(1, new Uint8Array(MIB));
  const waiting = [stream.writableLength];
  for (let turn = 0; turn < 3; turn++, waiting.push(stream.writableLength)) await nextTurn();
  expect(waiting).toEqual([262_164, 524_328, 524_328, 524_328]);
});

it("seals the next record also while the last, short one of a message and the first of another are one write", async () => {
  const { output, stream } = held({ holds: true });
  output.addLarge(1, new Uint8Array(MIB));
  for (; output.isBusy; await stream.release()) await nextTurn();
  output.addLarge(2, new Uint8Array(MIB));
  await stream.release();
  expect(stream.writes.at(-1)).toHaveLength(28 + 262_164);
  await nextTurn();
  expect(stream.writableLength).toBe(28 + 262_164 + 262_164);
});

it("seals one record of a large message in a macrotask for a kernel that takes everything at once", async () => {
  const one = held({ holds: false });
  one.output.addLarge(1, new Uint8Array(MIB));
  const given = [givenBytes(one)];
  for (; one.output.isBusy; given.push(givenBytes(one))) await nextTurn();
  const records = [262_164, 262_164, 262_164, 262_164, 28];
  expect(given.map((bytes, turn) => bytes - (given[turn - 1] ?? 0)).filter((bytes) => bytes > 0)).toEqual(records);
  expect(recordsIn(Buffer.concat(one.stream.writes))).toHaveLength(5);
});

it("writes the portions in order to a stream that reports each write before `write` returns", () => {
  const writes: Buffer[] = [];
  const stream = {
    writableLength: 0,
    cork() {},
    uncork() {},
    write(chunk: Buffer, done?: () => void) {
      writes.push(chunk);
      done?.();
    },
  };
  const { output } = held({ holds: false, to: stream as unknown as Duplex });
  output.addLarge(1, new Uint8Array(MIB));
  void output.addSmall(0, new Uint8Array(5), 0);
  output.finish();
  expect(recordsIn(Buffer.concat(writes))).toEqual([...new Array<string>(4).fill("2:262144"), "2:8", "2:13"]);
});

it("ends the stream with what it throws when it is given a portion", async () => {
  const { output, stream } = held({ holds: false });
  const error = new Error("no more");
  stream._writev = () => {
    throw error;
  };
  stream.on("error", () => {});
  output.addLarge(1, new Uint8Array(MIB));
  await nextTurn();
  expect([stream.destroyed, stream.errored]).toEqual([true, error]);
});

it("seals the rest behind a portion during which it is told to finish", () => {
  const writes: Buffer[] = [];
  let output: FrameOutput | undefined;
  const stream = {
    writableLength: 0,
    cork() {},
    uncork: () => output?.finish(),
    write: (chunk: Buffer) => void writes.push(chunk),
  };
  ({ output } = held({ holds: false, to: stream as unknown as Duplex }));
  output.addLarge(1, new Uint8Array(MIB));
  expect(recordsIn(Buffer.concat(writes))).toEqual([...new Array<string>(4).fill("2:262144"), "2:8"]);
  expect(output.isBusy).toBe(false);
});

it("says in the next turn that there is room when the stream has taken the only portion before it returned", async () => {
  const stream = { writableLength: 0, cork() {}, uncork() {}, write: (_chunk: Buffer, done?: () => void) => done?.() };
  const { output, written } = held({ holds: false, to: stream as unknown as Duplex });
  output.addLarge(1, new Uint8Array(100_000));
  written.length = 0;
  await nextTurn();
  expect(written).toHaveLength(1);
});

it("keeps control frames back until the large message before them is sealed", async () => {
  const { output, stream } = held({ holds: true });
  output.addLarge(1, new Uint8Array(MIB));
  void output.addSmall(0, new Uint8Array(5), 0);
  await nextTurn();
  expect(output.batchBytes).toBe(20 + 13);
  await stream.releaseAll();
  while (output.isBusy || output.batchBytes > 0) await nextTurn();
  expect(recordsIn(Buffer.concat(stream.writes)).slice(-2)).toEqual(["2:8", "2:13"]);
});

it("seals the rest at once when more control frames come than a batch holds", () => {
  const { output } = held({ holds: true });
  output.addLarge(1, new Uint8Array(MIB));
  for (let count = 0; output.isBusy && count < 1_000; count++) void output.addSmall(0, new Uint8Array(120), 0);
  expect(output.isBusy).toBe(false);
});

it("seals a message at once when a session keeps a copy, because its caller may change the data", () => {
  const { output } = held({ holds: true, resend: new ResendBuffer(10 * MIB) });
  output.addLarge(1, new Uint8Array(MIB));
  expect(output.isBusy).toBe(false);
});

it("fails with IPC_CONNECTION_LOST when the buffer of the data is transferred before it is sealed", async () => {
  const { output, stream, failures } = held({ holds: true });
  const data = new Uint8Array(MIB);
  output.addLarge(1, data);
  structuredClone(data, { transfer: [data.buffer] });
  await stream.releaseAll();
  expect(failures).toMatchObject([{ code: "IPC_CONNECTION_LOST" }]);
  expect(output.isBusy).toBe(false);
});

it("writes nothing more of a large message after it is stopped", async () => {
  const { output, stream } = held({ holds: true });
  output.addLarge(1, new Uint8Array(MIB));
  output.stop();
  await stream.releaseAll();
  await nextTurn();
  expect([output.isBusy, Buffer.concat(stream.writes).length]).toEqual([false, 262_144 + 20]);
});
