import { createSecretKey } from "node:crypto";
import { array, assert, constantFrom, property, uint8Array } from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { CryptoError } from "./crypto-error.js";
import { RecordDecoder } from "./record-decoder.js";
import { RECORD_KIND } from "./record-header.js";
import { RecordOpener } from "./record-opener.js";
import { RecordSealer } from "./record-sealer.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A reader that was given each of these in hex. */
function pushed(...chunks: string[]): RecordDecoder {
  const reader = new RecordDecoder();
  for (const chunk of chunks) reader.push(hex(chunk));
  return reader;
}

function thrownBy(take: () => unknown): unknown {
  try {
    take();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

const TAG = "00".repeat(16);

describe("a decoded record", () => {
  test("has its kind and the bytes after its header", () => {
    const reader = pushed(`01 000012 a1a2${TAG} 02 000011 b1${TAG} 03 000010 ${TAG}`);
    expect(reader.next()).toEqual({ kind: 1, sealed: hex(`a1a2${TAG}`) });
    expect(reader.next()).toEqual({ kind: 2, sealed: hex(`b1${TAG}`) });
    expect(reader.next()).toEqual({ kind: 3, sealed: hex(TAG) });
    expect(reader.next()).toBeUndefined();
    expect(reader.bufferedBytes).toBe(0);
    reader.end();
  });

  test("is a plain view of the chunk when one chunk holds it whole", () => {
    const chunk = Buffer.from(hex(`02 000011 b1${TAG} 02 000012 c1c2${TAG}`));
    const reader = new RecordDecoder();
    reader.push(chunk);
    for (const offset of [4, 25]) {
      const sealed = reader.next()?.sealed as Uint8Array;
      expect(Object.getPrototypeOf(sealed)).toBe(Uint8Array.prototype);
      expect(sealed.buffer).toBe(chunk.buffer);
      expect(sealed.byteOffset).toBe(chunk.byteOffset + offset);
    }
  });

  test("is a view when only its header came in another chunk, and a copy when its body was cut", () => {
    const body = hex(`b1${TAG}`);
    const reader = pushed("02 00");
    expect(reader.next()).toBeUndefined();
    reader.push(hex("0011"));
    expect(reader.next()).toBeUndefined();
    reader.push(body);
    expect(reader.next()?.sealed.buffer).toBe(body.buffer);

    reader.push(hex("02 000011"));
    expect(reader.next()).toBeUndefined();
    reader.push(body.subarray(0, 1));
    expect(reader.next()).toBeUndefined();
    reader.push(body.subarray(1));
    const { sealed } = reader.next() ?? {};
    expect(sealed).toEqual(body);
    expect(sealed?.buffer.byteLength).toBe(17);
  });

  test.each([17, 65_537, 262_160])("of %i bytes in pieces is a plain Uint8Array over new memory", (length) => {
    const body = Buffer.alloc(length, 0xa5);
    const reader = new RecordDecoder();
    reader.push(Buffer.of(2, length >>> 16, length >>> 8, length));
    reader.push(body.subarray(0, 1));
    expect(reader.next()).toBeUndefined();
    reader.push(body.subarray(1));
    const sealed = reader.next()?.sealed as Uint8Array;
    expect(Object.getPrototypeOf(sealed)).toBe(Uint8Array.prototype);
    expect([sealed.byteOffset, sealed.length, sealed.buffer.byteLength]).toEqual([0, length, length]);
    expect(body.equals(sealed)).toBe(true);
  });

  test("is returned after more chunks were pushed, too", () => {
    const reader = pushed("02 0000", `11 b1${TAG} 02`, `000011 c1${TAG}`);
    expect([reader.next(), reader.next(), reader.next()].map((record) => record && hexOf(record.sealed))).toEqual([
      `b1${TAG}`,
      `c1${TAG}`,
      undefined,
    ]);
  });
});

describe("the decoder, for an invalid header,", () => {
  test.each([
    ["00 000010", "unknown record kind: 0,"],
    ["04 000010", "unknown record kind: 4,"],
    // An HTTP client that lost its way.
    ["47455420", "unknown record kind: 71,"],
    ["01 000201", "invalid record length: 513 bytes for kind AUTH"],
    ["01 00000f", "invalid record length: 15 bytes for kind AUTH"],
    ["02 000010", "invalid record length: 16 bytes for kind DATA"],
    ["02 040011", "invalid record length: 262161 bytes for kind DATA"],
    ["02 ffffff", "invalid record length: 16777215 bytes for kind DATA"],
    ["03 000011", "invalid record length: 17 bytes for kind CLOSE"],
  ])("rejects %s before any byte of the body arrives, at once and byte by byte", (text, message) => {
    for (const chunks of [[hex(text)], [...hex(text)].map((byte) => Uint8Array.of(byte))]) {
      const reader = new RecordDecoder();
      const error = thrownBy(() => {
        for (const [index, chunk] of chunks.entries()) {
          reader.push(chunk);
          expect(reader.next()).toBeUndefined();
          expect(index).toBeLessThan(3);
        }
      });
      expect(error).toBeInstanceOf(CryptoError);
      expect(error).toMatchObject({ code: "IPC_RECORD_INVALID", message: expect.stringContaining(message) });
    }
  });

  test("returns the good records before it rejects", () => {
    const reader = pushed(`02 000011 b1${TAG} 02 000010`);
    expect(reader.next()).toMatchObject({ kind: 2 });
    expect(thrownBy(() => reader.next())).toMatchObject({ code: "IPC_RECORD_INVALID" });
  });
});

describe("a record decoder that failed", () => {
  test.each([
    ["IPC_RECORD_INVALID", ["02 000010"]],
    ["IPC_RECORD_INVALID", ["02", "0000", "10"]],
    ["IPC_RECORD_TRUNCATED", ["02 000011 b1"]],
  ])("with %s throws the same error on every later call, and keeps no bytes", (code, chunks) => {
    const reader = pushed(...chunks);
    const error = thrownBy(() => {
      reader.next();
      reader.end();
    });
    expect(error).toMatchObject({ code });
    for (const call of [() => reader.next(), () => reader.end(), () => reader.push(hex("02")), () => reader.next()]) {
      expect(thrownBy(call)).toBe(error);
    }
    expect(reader.bufferedBytes).toBe(0);
  });
});

describe("the end of the stream", () => {
  // Records of 22, 21 and 20 bytes.
  const stream = hex(`01 000012 a1a2${TAG} 02 000011 b1${TAG} 03 000010 ${TAG}`);

  test.each([1, 7, 63])("is accepted between records and is an error within one, in chunks of %i", (step) => {
    for (let length = 0; length <= stream.length; length++) {
      const reader = new RecordDecoder();
      for (let at = 0; at < length; at += step) {
        reader.push(stream.subarray(at, Math.min(at + step, length)));
        while (reader.next() !== undefined);
      }
      const [start, size] = [
        [0, 22],
        [22, 21],
        [43, 20],
        [63, 0],
      ].findLast(([first]) => length >= (first as number)) as [number, number];
      const here = length - start;
      if (here === 0) {
        reader.end();
        continue;
      }
      const wanted = here < 4 ? "an unknown number of" : size;
      expect(thrownBy(() => reader.end())).toMatchObject({
        code: "IPC_RECORD_TRUNCATED",
        message: expect.stringContaining(`after ${here} of ${wanted} bytes of a record`),
      });
    }
  });
});

test("allocates 64 KiB for the longest record, then doubles each time it is full", () => {
  const made: number[] = [];
  const Real = globalThis.Uint8Array;
  const unzeroed = vi.spyOn(Buffer, "allocUnsafeSlow");
  const reader = new RecordDecoder();
  reader.push(hex("02 040010 00"));
  globalThis.Uint8Array = new Proxy(Real, {
    construct(target, args: [unknown], newTarget) {
      if (typeof args[0] === "number") made.push(args[0]);
      return Reflect.construct(target, args, newTarget) as object;
    },
  });
  try {
    expect(reader.next()).toBeUndefined();
    for (let arrived = 1; arrived + 4_096 < 262_160; arrived += 4_096) {
      reader.push(Buffer.alloc(4_096));
      expect(reader.next()).toBeUndefined();
    }
  } finally {
    globalThis.Uint8Array = Real;
    made.push(...unzeroed.mock.calls.map(([bytes]) => bytes));
    unzeroed.mockRestore();
  }
  expect(made).toEqual([65_536, 131_074, 262_160]);
});

test("returns the sealed bytes for any records, however the stream is cut", () => {
  const plaintexts = array(uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 12 });
  const cuts = array(constantFrom(0, 1, 2, 3, 4, 5, 19, 20, 21, 64, 200), { minLength: 1, maxLength: 40 });
  assert(
    property(plaintexts, cuts, (data, sizes) => {
      const keys = () => ({ key: createSecretKey(new Uint8Array(32)), iv: new Uint8Array(12) });
      const sealer = new RecordSealer(keys());
      const [opener, reader] = [new RecordOpener(keys()), new RecordDecoder()];
      const stream = Buffer.concat([
        sealer.seal(RECORD_KIND.auth),
        ...data.map((plaintext) => sealer.seal(RECORD_KIND.data, [plaintext])),
        sealer.seal(RECORD_KIND.close),
      ]);
      const opened: string[] = [];
      for (let at = 0, n = 0; at < stream.length; n++) {
        const size = sizes.every((each) => each === 0) ? 1 : (sizes[n % sizes.length] as number);
        reader.push(stream.subarray(at, at + size));
        at += size;
        for (let record = reader.next(); record !== undefined; record = reader.next()) {
          opened.push(hexOf(opener.open(record)));
        }
      }
      reader.end();
      opener.end();
      expect(opened).toEqual(["", ...data.map(hexOf), ""]);
    }),
  );
});
