import { describe, expect, test } from "vitest";
import { LARGE_BYTES } from "../codec/codec.js";
import { SendBuffer } from "./send-buffer.js";

/** Gathers `length` bytes of `value`. */
function put(batch: SendBuffer, length: number, value: number): void {
  if (!batch.makeRoom(length)) throw new Error(`no room for ${length} bytes`);
  batch.slab.fill(value, batch.end, batch.end + length);
  batch.advance(length);
}

const bytes = (length: number, value: number): Buffer => Buffer.alloc(length, value);

describe("a batch", () => {
  test("has no room and no memory before a frame needs them", () => {
    const batch = new SendBuffer();
    expect([batch.length, batch.hasRoom(1), batch.slab.length]).toEqual([0, false, 0]);
  });

  test("returns the written bytes in order", () => {
    const batch = new SendBuffer();
    put(batch, 3, 1);
    put(batch, 2, 2);
    expect(batch.length).toBe(5);
    expect([...batch.take()]).toEqual([1, 1, 1, 2, 2]);
    expect([batch.length, batch.take().length]).toEqual([0, 0]);
  });

  test("starts behind the batch before it in the same slab, until that is full", () => {
    const batch = new SendBuffer();
    put(batch, 4_000, 1);
    const first = batch.take();
    expect([batch.hasRoom(96), batch.hasRoom(97)]).toEqual([true, false]);
    put(batch, 96, 2);
    const second = batch.take();
    expect(second.buffer).toBe(first.buffer);
    put(batch, 1, 3);
    const third = batch.take();
    expect(third.buffer).not.toBe(first.buffer);
    const expected = Buffer.concat([bytes(4_000, 1), bytes(96, 2), bytes(1, 3)]);
    expect(Buffer.concat([first, second, third]).equals(expected)).toBe(true);
  });

  test("is never written again after it was returned", () => {
    const batch = new SendBuffer();
    const taken: Buffer[] = [];
    for (let value = 0; value < 200; value++) {
      put(batch, 97, value);
      taken.push(batch.take());
      if (value % 50 === 49) batch.shrink();
    }
    expect(taken.every((each, value) => each.equals(bytes(97, value)))).toBe(true);
  });
});

describe("a batch with room before and behind its frames", () => {
  const [HEAD, TAIL] = [4, 16];

  test("is as long as the bytes that it returns, and empty without frames", () => {
    const batch = new SendBuffer(HEAD, TAIL);
    expect(batch.length).toBe(0);
    put(batch, 3, 1);
    put(batch, 2, 2);
    expect(batch.length).toBe(HEAD + 5 + TAIL);
    const taken = batch.take();
    expect([taken.length, batch.length]).toEqual([HEAD + 5 + TAIL, 0]);
    expect([...taken.subarray(HEAD, HEAD + 5)]).toEqual([1, 1, 1, 2, 2]);
  });

  test("accepts frames of up to 64 KiB less both, and rejects longer ones", () => {
    const batch = new SendBuffer(HEAD, TAIL);
    expect(batch.maxFrameBytes).toBe(65_536 - HEAD - TAIL);
    put(batch, batch.maxFrameBytes, 1);
    expect(batch.hasRoom(0)).toBe(true);
    expect(batch.hasRoom(1)).toBe(false);
    expect(batch.take()).toHaveLength(65_536);
  });

  test("never overlaps another batch, for any lengths", () => {
    const batch = new SendBuffer(HEAD, TAIL);
    const taken: Buffer[] = [];
    for (let value = 0; value < 200; value++) {
      put(batch, 1 + ((value * 37) % 300), value);
      const whole = batch.take();
      whole.fill(value);
      taken.push(whole);
    }
    expect(taken.every((each, value) => each.every((byte) => byte === value))).toBe(true);
  });
});

describe("the slab of a batch", () => {
  test("starts at 4 KiB and stays there for single messages", () => {
    const batch = new SendBuffer();
    for (let count = 0; count < 100; count++) {
      put(batch, 1_000, 1);
      batch.take();
    }
    expect(batch.slab.length).toBe(4_096);
  });

  test("doubles while a batch outgrows it, up to 64 KiB, and loses no byte", () => {
    const batch = new SendBuffer(4, 16);
    const sizes = new Set<number>();
    let count = 0;
    for (; batch.makeRoom(72); count++) {
      put(batch, 72, count % 256);
      sizes.add(batch.slab.length);
    }
    expect([...sizes]).toEqual([4_096, 8_192, 16_384, 32_768, 65_536]);
    const taken = batch.take();
    expect([count, taken.length]).toEqual([909, 4 + 909 * 72 + 16]);
    for (let at = 0; at < count; at++) {
      expect(taken.subarray(4 + at * 72, 4 + (at + 1) * 72).equals(bytes(72, at % 256))).toBe(true);
    }
  });

  test("is no larger when a small batch begins near its end", () => {
    const batch = new SendBuffer();
    put(batch, 4_000, 1);
    batch.take();
    put(batch, 90, 2);
    put(batch, 90, 3);
    expect(batch.slab.length).toBe(4_096);
    expect(batch.take().equals(Buffer.concat([bytes(90, 2), bytes(90, 3)]))).toBe(true);
  });

  test.each([
    [1, 4_096],
    [4_096, 4_096],
    [4_097, 8_192],
    [40_000, 65_536],
    [LARGE_BYTES, 65_536],
  ])("has room for a message of %i bytes in %i", (length, slab) => {
    const batch = new SendBuffer();
    put(batch, length, 1);
    expect(batch.slab.length).toBe(slab);
    expect(batch.take()).toHaveLength(length);
  });

  test("does not share its memory, because it is not from Node's pool", () => {
    const batch = new SendBuffer();
    put(batch, 1, 1);
    expect(batch.slab.buffer.byteLength).toBe(4_096);
  });

  test("is released when idle if it is large, and the next one is as large", () => {
    const batch = new SendBuffer();
    put(batch, 40_000, 1);
    const taken = batch.take();
    batch.shrink();
    expect([batch.hasRoom(1), batch.length]).toEqual([false, 0]);
    put(batch, 1, 2);
    expect(batch.slab.length).toBe(65_536);
    expect(taken.equals(bytes(40_000, 1))).toBe(true);
  });

  test("is as large when two batches report one after the other that they were sent", () => {
    const batch = new SendBuffer();
    for (const length of [4_000, 5_000]) {
      put(batch, length, 1);
      batch.take();
    }
    batch.shrink();
    batch.shrink();
    put(batch, 1, 2);
    expect(batch.slab.length).toBe(8_192);
  });

  test("is small again after an idle time before which little was written", () => {
    const batch = new SendBuffer();
    for (const length of [40_000, 16_383]) {
      put(batch, length, 1);
      batch.take();
      batch.shrink();
    }
    put(batch, 1, 2);
    expect(batch.slab.length).toBe(4_096);
  });

  test("is kept when idle if it is small", () => {
    const batch = new SendBuffer();
    batch.shrink();
    put(batch, 1, 1);
    const { slab } = batch;
    batch.take();
    batch.shrink();
    put(batch, 1, 2);
    expect(batch.slab).toBe(slab);
  });
});
