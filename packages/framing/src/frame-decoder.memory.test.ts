import { describe, expect, test } from "vitest";
import { FrameDecoder } from "./frame-decoder.js";

const KIB = 1_024;
const MIB = 1_048_576;

/** Bytes in use that are really needed: what garbage held is gone. */
function memoryInUse(): { readonly buffers: number; readonly objects: number } {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc, as vitest.config.ts says");
  // Twice: the second waits until the buffers that the first freed are swept.
  globalThis.gc();
  globalThis.gc();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return { buffers: arrayBuffers, objects: heapUsed };
}

function memorySince(before: ReturnType<typeof memoryInUse>): ReturnType<typeof memoryInUse> {
  const { buffers, objects } = memoryInUse();
  return { buffers: buffers - before.buffers, objects: objects - before.objects };
}

/** Heap that the test runner and the compiler may use meanwhile, in bytes. */
const HEAP_NOISE = 2 * MIB;

const header = (length: number): Uint8Array =>
  Uint8Array.of(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff);

describe("an announced length", () => {
  test.each([
    ["of the limit, 1 GiB, with some of its body", 1_024 * MIB, "waits"],
    ["of 4 GiB - 1 where 1 GiB is the limit", 0xffff_ffff, "fails"],
  ])("%s allocates no memory before the body arrives", (_what, announced, outcome) => {
    const before = memoryInUse();
    const decoders: FrameDecoder[] = [];
    for (let count = 0; count < 1_000; count++) {
      const decoder = new FrameDecoder({ maxBodyLength: 1_024 * MIB });
      decoders.push(decoder);
      for (const byte of header(announced)) decoder.push(Uint8Array.of(byte));
      if (outcome === "fails") {
        expect(() => decoder.next()).toThrow(expect.objectContaining({ code: "IPC_FRAME_TOO_LARGE" }));
      } else {
        expect(decoder.next()).toBeUndefined();
        decoder.push(Uint8Array.of(1, 2, 3));
        expect(decoder.next()).toBeUndefined();
      }
    }
    const { buffers, objects } = memorySince(before);
    // A decoder keeps itself, its first block and, where it failed, the error.
    expect(buffers / decoders.length).toBeLessThan(KIB);
    expect(objects / decoders.length).toBeLessThan(16 * KIB);
    expect(decoders).toHaveLength(1_000);
  });
});

describe("an incomplete frame", () => {
  /** Chunkings in which one chunk has memory of its own, as from a socket. */
  const chunkings: readonly [what: string, sizes: readonly number[], total: number][] = [
    ["single bytes", [1], MIB / 8],
    ["chunks that are just copied, of 4 095 bytes", [4_095], 8 * MIB],
    ["chunks that are just kept, of 4 096 bytes", [4_096], 8 * MIB],
    ["a large chunk and a single byte in turn", [4_096, 1], 8 * MIB],
    ["a large chunk and 300 bytes in turn", [4_096, 300], 8 * MIB],
    ["300 single bytes and then a large chunk", [...new Array<number>(300).fill(1), 4_096], 2 * MIB],
    ["chunks as a busy socket gives them", [65_536], 16 * MIB],
  ];

  test.each(chunkings)(
    "that arrives in %s takes at most twice the received bytes plus 64 KiB",
    (_what, sizes, total) => {
      const decoder = new FrameDecoder({ maxBodyLength: 1_024 * MIB });
      decoder.push(header(1_024 * MIB));
      expect(decoder.next()).toBeUndefined();
      const before = memoryInUse();
      let received = 0;
      let bodies = 0;
      for (let turn = 0, checkAt = total / 16; received < total; turn++) {
        const size = sizes[turn % sizes.length] as number;
        decoder.push(new Uint8Array(size));
        if (decoder.next() !== undefined) bodies++;
        received += size;
        if (received < checkAt) continue;
        checkAt += total / 4;
        const { buffers, objects } = memorySince(before);
        // The second 64 KiB are for buffers of the test runner.
        expect(buffers).toBeLessThanOrEqual(2 * received + 64 * KIB + 64 * KIB);
        expect(objects).toBeLessThanOrEqual(received / 2 + HEAP_NOISE);
      }
      expect([bodies, decoder.bufferedBytes]).toEqual([0, 4 + received]);
    },
  );
});

test.each([
  ["one chunk", 1],
  ["three chunks", 3],
])("the decoder releases a message of 16 MiB in %s once it has returned undefined", (_how, count) => {
  const decoder = new FrameDecoder({ maxBodyLength: 16 * MIB });
  const before = memoryInUse();
  decoder.push(header(16 * MIB));
  const size = Math.ceil((16 * MIB) / count);
  let received = 0;
  for (let left = 16 * MIB; left > 0; left -= size) {
    decoder.push(new Uint8Array(Math.min(size, left)));
    received += decoder.next()?.length ?? 0;
  }
  expect([received, decoder.next()]).toEqual([16 * MIB, undefined]);
  const { buffers, objects } = memorySince(before);
  expect(buffers).toBeLessThan(MIB);
  expect(objects).toBeLessThan(HEAP_NOISE);
});
