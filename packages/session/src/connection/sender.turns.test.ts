import { createSecretKey } from "node:crypto";
import { MessageCipher } from "@ipc/crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { bytes, HeldStream, heldSender, nextTurn } from "../../test/held-sender.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { GolangIpcCodec } from "../codec/frame-codec.js";
import { noteBatched, noteTickEnd } from "../scheduling/write-yield.js";
import { Sender } from "./sender.js";
import { WriteQueue } from "./write-queue.js";

const MESSAGE_BYTES = 64;
const FRAME_BYTES = 72;
const SEALED_BYTES = 100;

describe("a loop that awaits each write", () => {
  it("sends four short batches at once, then whole ones, up to 64 KiB per macrotask, and nothing small between them", async () => {
    const { sender, stream } = heldSender();
    for (let count = 0; count < 10_000; count++) await sender.write(1, bytes(MESSAGE_BYTES), undefined);
    await sender.flush(undefined);
    const full = Math.floor(65_536 / FRAME_BYTES) * FRAME_BYTES;
    const sizes = stream.writes.map(({ length }) => length);
    const headStarts = new Array(4).fill(16 * FRAME_BYTES);
    expect(sizes.slice(0, -1)).toEqual([...headStarts, ...new Array(10).fill(full)]);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(10_000 * FRAME_BYTES);
  });

  it("yields to the event loop for each batch", async () => {
    const { sender } = heldSender();
    let turns = 0;
    let isOver = false;
    const counting = (async () => {
      for (; !isOver; turns++) await nextTurn();
    })();
    for (let count = 0; count < 10_000; count++) await sender.write(1, bytes(MESSAGE_BYTES), undefined);
    isOver = true;
    await counting;
    expect(turns).toBeGreaterThanOrEqual((10_000 * FRAME_BYTES) / 65_536);
  });
});

/** A sender whose messages are sealed one by one. */
function sealingSender(): { sender: Sender; stream: HeldStream } {
  const stream = new HeldStream();
  const maxQueuedBytes = 1_048_576;
  const encoder = new GolangIpcCodec(new MessageCipher(createSecretKey(new Uint8Array(32))));
  const exhausted = (error: Error): never => {
    throw error;
  };
  const waiting = new WriteQueue(maxQueuedBytes, unawaitedWrites);
  return { sender: new Sender({ stream, encoder, maxQueuedBytes, busyPollUs: 0, waiting, exhausted }), stream };
}

it("a loop whose messages are sealed one by one yields to the event loop for each 16 KiB", async () => {
  const { sender, stream } = sealingSender();
  for (let count = 0; count < 2_000; count++) await sender.write(1, bytes(MESSAGE_BYTES), undefined);
  await sender.flush(undefined);
  const sizes = stream.writes.map(({ length }) => length);
  expect(Math.max(...sizes)).toBe(Math.ceil(16_384 / SEALED_BYTES) * SEALED_BYTES);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(2_000 * SEALED_BYTES);
});

describe("a loop that begins behind a tick with 32 KiB or more", () => {
  it("yields for each 16 KiB all the same if its messages are sealed one by one", async () => {
    const { sender, stream } = sealingSender();
    for (let count = 0; count < 400; count++) void sender.write(1, bytes(MESSAGE_BYTES));
    await nextTurn();
    for (let count = 0; count < 400; count++) await sender.write(1, bytes(MESSAGE_BYTES));
    const later = stream.writes.slice(stream.writes.findIndex(({ length }) => length > 32_768) + 1);
    expect(later[0]).toHaveLength(Math.ceil(16_384 / SEALED_BYTES) * SEALED_BYTES);
  });

  it("yields for 4 KiB all the same while all connections together have batched 256 KiB", async () => {
    onTestFinished(noteTickEnd);
    const { sender, stream } = heldSender();
    for (let count = 0; count < 1_000; count++) void sender.write(1, bytes(MESSAGE_BYTES));
    await nextTurn();
    const before = stream.writes.length;
    noteBatched(262_144);
    for (let count = 0; count < 100; count++) await sender.write(1, bytes(MESSAGE_BYTES));
    expect(stream.writes[before]).toHaveLength(Math.floor(4_096 / FRAME_BYTES) * FRAME_BYTES);
  });
});

it("many loops together batch no more in a macrotask than 256 KiB, or 4 KiB each behind the first 2, and then go on eight at a time", async () => {
  const all = Array.from({ length: 200 }, () => heldSender());
  let active = new Set<object>();
  let perTurn = 0;
  let isOver = false;
  const turns: { readonly loops: number; readonly bytes: number }[] = [];
  const watching = (async () => {
    for (; !isOver; perTurn = 0) {
      active = new Set();
      await nextTurn();
      turns.push({ loops: active.size, bytes: perTurn });
    }
  })();
  await Promise.all(
    all.map(async ({ sender }) => {
      for (let count = 0; count < 1_000; count++) {
        await sender.write(1, bytes(MESSAGE_BYTES), undefined);
        active.add(sender);
        perTurn += FRAME_BYTES;
      }
    }),
  );
  isOver = true;
  await watching;
  const [start, ...later] = turns;
  expect(start?.loops).toBe(all.length);
  expect(start?.bytes).toBeGreaterThan(262_144);
  expect(start?.bytes).toBeLessThanOrEqual(all.length * (2_048 + 4_096 + 2 * FRAME_BYTES));
  // The watcher may have missed a macrotask.
  expect(Math.max(...later.map(({ loops }) => loops))).toBeLessThanOrEqual(2 * 8);
  expect(Math.max(...later.map((turn) => turn.bytes))).toBeLessThanOrEqual(2 * (262_144 + 8 * FRAME_BYTES));
});

it("many loops whose messages are sealed one by one batch 64 KiB together in a macrotask, or 1 KiB each", async () => {
  const all = Array.from({ length: 200 }, sealingSender);
  let isOver = false;
  let messages = 0;
  const writing = all.map(async ({ sender }) => {
    while (!isOver) {
      await sender.write(1, bytes(MESSAGE_BYTES), undefined);
      messages++;
    }
  });
  await nextTurn();
  const start = messages;
  isOver = true;
  await Promise.all(writing);
  expect(start * SEALED_BYTES).toBeGreaterThan(65_536);
  expect(start * SEALED_BYTES).toBeLessThanOrEqual(all.length * 1_024);
});

describe("a loop that flushes behind each write", () => {
  it("yields to the event loop, though the kernel takes everything at once", async () => {
    const { sender } = heldSender();
    let turns = 0;
    let isOver = false;
    const counting = (async () => {
      for (; !isOver; turns++) await nextTurn();
    })();
    for (let count = 0; count < 1_000; count++) {
      await sender.write(1, bytes(MESSAGE_BYTES), undefined);
      await sender.flush(undefined);
    }
    isOver = true;
    await counting;
    expect(turns).toBeGreaterThanOrEqual(50);
  });
});
