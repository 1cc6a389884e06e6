import { createDecipheriv, createSecretKey } from "node:crypto";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { CryptoError } from "./crypto-error.js";
import { type OpenedPiece, RecordDecoder } from "./record-decoder.js";
import { RECORD_KIND } from "./record-header.js";
import { RecordOpener } from "./record-opener.js";
import { RecordSealer } from "./record-sealer.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const keys = (): ConstructorParameters<typeof RecordOpener>[0] => ({
  key: createSecretKey(new Uint8Array(32)),
  iv: new Uint8Array(12),
});
const patterned = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff);

/** A decoder that was given each of these chunks. */
function pushed(...chunks: Uint8Array[]): RecordDecoder {
  const decoder = new RecordDecoder(new RecordOpener(keys()));
  for (const chunk of chunks) decoder.push(chunk);
  return decoder;
}

/** A decoder whose AUTH has come, and the sealer of the records behind it. */
function afterAuth(): { readonly decoder: RecordDecoder; readonly seal: (plaintext: Uint8Array) => Uint8Array } {
  const sealer = new RecordSealer(keys());
  const decoder = pushed(sealer.seal(RECORD_KIND.auth));
  decoder.next();
  return { decoder, seal: (plaintext) => sealer.seal(RECORD_KIND.data, [plaintext]) };
}

function takeAll(decoder: RecordDecoder): OpenedPiece[] {
  const taken: OpenedPiece[] = [];
  for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) taken.push(piece);
  return taken;
}

const lengths = (pieces: readonly OpenedPiece[]): number[] => pieces.map(({ plaintext }) => plaintext.length);
const joined = (pieces: readonly OpenedPiece[]): Buffer => Buffer.concat(pieces.map(({ plaintext }) => plaintext));

function thrownBy(take: () => unknown): unknown {
  try {
    take();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a record within one chunk", () => {
  test("is returned with its kind and its whole plaintext", () => {
    const sealer = new RecordSealer(keys());
    const decoder = pushed(
      Buffer.concat([
        sealer.seal(RECORD_KIND.auth, [hex("a1a2")]),
        sealer.seal(RECORD_KIND.data, [hex("b1")]),
        sealer.seal(RECORD_KIND.close),
      ]),
    );
    expect(takeAll(decoder).map(({ kind, plaintext }) => [kind, hexOf(plaintext)])).toEqual([
      [1, "a1a2"],
      [2, "b1"],
      [3, ""],
    ]);
    expect(decoder.bufferedBytes).toBe(0);
    decoder.end();
  });

  test.each([1, 4_096, 262_144])("of %i bytes is in memory of its own size", (length) => {
    const { decoder, seal } = afterAuth();
    decoder.push(seal(patterned(length)));
    const [{ plaintext }] = takeAll(decoder) as [OpenedPiece];
    expect([plaintext.length, plaintext.buffer.byteLength]).toEqual([length, length]);
  });

  test("is returned after more chunks were pushed, too", () => {
    const { decoder, seal } = afterAuth();
    const bytes = Buffer.concat([seal(hex("b1")), seal(hex("c1")), seal(hex("d1"))]);
    for (const chunk of [bytes.subarray(0, 3), bytes.subarray(3, 22), bytes.subarray(22)]) decoder.push(chunk);
    expect(takeAll(decoder).map(({ plaintext }) => hexOf(plaintext))).toEqual(["b1", "c1", "d1"]);
  });
});

describe("a record that arrives in chunks", () => {
  test("is returned in those pieces, but not a byte of it before its last one", () => {
    const { decoder, seal } = afterAuth();
    const plaintext = patterned(100_000);
    const record = seal(plaintext);
    let at = 0;
    for (const end of [20_004, 70_004, 100_004, 100_019]) {
      decoder.push(record.subarray(at, end));
      expect(decoder.next()).toBeUndefined();
      expect(decoder.bufferedBytes).toBe(end);
      at = end;
    }
    decoder.push(record.subarray(at));
    const pieces = takeAll(decoder);
    expect(lengths(pieces)).toEqual([20_000, 50_000, 30_000]);
    expect(joined(pieces).equals(plaintext)).toBe(true);
    expect(pieces.map((piece) => piece.plaintext.buffer.byteLength)).toEqual([20_000, 50_000, 30_000]);
  });

  test("counts as buffered until its pieces are returned", () => {
    const { decoder, seal } = afterAuth();
    const record = seal(patterned(90_000));
    decoder.push(record.subarray(0, 10_004));
    expect(decoder.next()).toBeUndefined();
    decoder.push(record.subarray(10_004));
    const counts: number[] = [];
    while (decoder.next() !== undefined) counts.push(decoder.bufferedBytes);
    expect(counts).toEqual([80_000, 0]);
  });

  test.each([
    ["a small record cut in two is one piece", 1_000, [300], [1_000]],
    ["66 560 bytes are one piece", 66_560, [5_000, 50_000], [66_560]],
    ["66 561 bytes are several", 66_561, [5_000, 50_000], [5_000, 45_000, 16_561]],
    ["a short beginning is filled up to 4 096 bytes", 80_000, [100], [4_096, 75_904]],
    ["a short end is a piece", 80_000, [79_900], [79_900, 100]],
    ["4 095 bytes between two cuts wait for one more", 80_000, [5_000, 9_095], [5_000, 4_096, 70_904]],
    ["4 096 bytes between two cuts are a piece", 80_000, [5_000, 9_096], [5_000, 4_096, 70_904]],
    ["a cut in front of the tag adds none", 80_000, [80_000], [80_000]],
  ])("has few pieces: %s", (_what, length, cuts, pieces) => {
    const { decoder, seal } = afterAuth();
    const record = seal(patterned(length));
    const taken: OpenedPiece[] = [];
    for (const [index, cut] of [...cuts, length + 16].entries()) {
      decoder.push(record.subarray(index === 0 ? 0 : 4 + (cuts[index - 1] as number), 4 + cut));
      taken.push(...takeAll(decoder));
    }
    expect(lengths(taken)).toEqual(pieces);
    expect(joined(taken).equals(patterned(length))).toBe(true);
  });

  test("has pieces of 4 096 bytes, and needs as many beside them, when each byte comes by itself", () => {
    const { decoder, seal } = afterAuth();
    const record = seal(patterned(69_632));
    const allocate = vi.spyOn(Buffer, "allocUnsafeSlow");
    onTestFinished(() => allocate.mockRestore());
    for (let at = 0; at < record.length - 1; at++) {
      decoder.push(record.subarray(at, at + 1));
      if (decoder.next() !== undefined) throw new Error("returned too early");
    }
    decoder.push(record.subarray(-1));
    const pieces = takeAll(decoder);
    expect(lengths(pieces)).toEqual(new Array(17).fill(4_096));
    expect(joined(pieces).equals(patterned(69_632))).toBe(true);
    expect(allocate.mock.calls).toEqual([[4_096]]);
  });

  test.each([0, 50_000, 99_999, 100_000, 100_015])(
    "is wiped and not returned when byte %i of its body was altered",
    (altered) => {
      const { decoder, seal } = afterAuth();
      const record = seal(patterned(100_000));
      record[4 + altered] = (record[4 + altered] as number) ^ 1;
      const { key, iv } = keys();
      const update = vi.spyOn(Object.getPrototypeOf(createDecipheriv("aes-256-gcm", key, iv)), "update");
      onTestFinished(() => update.mockRestore());
      decoder.push(record.subarray(0, 60_000));
      expect(decoder.next()).toBeUndefined();
      decoder.push(record.subarray(60_000));
      expect(thrownBy(() => decoder.next())).toMatchObject({ code: "IPC_DECRYPTION_FAILED" });
      const decrypted = update.mock.results.map(({ value }) => value as Uint8Array);
      expect(decrypted.map(({ length }) => length)).toEqual([59_996, 40_004]);
      expect(decrypted.every((piece) => piece.every((byte) => byte === 0))).toBe(true);
    },
  );
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
    ["02 000011", "record 0 is of kind DATA, but the first record must be AUTH"],
  ])("rejects %s before any byte of the body arrives, at once and byte by byte", (text, message) => {
    for (const chunks of [[hex(text)], [...hex(text)].map((byte) => Uint8Array.of(byte))]) {
      const decoder = pushed();
      const error = thrownBy(() => {
        for (const [index, chunk] of chunks.entries()) {
          decoder.push(chunk);
          expect(decoder.next()).toBeUndefined();
          expect(index).toBeLessThan(3);
        }
      });
      expect(error).toBeInstanceOf(CryptoError);
      expect(error).toMatchObject({ code: "IPC_RECORD_INVALID", message: expect.stringContaining(message) });
    }
  });

  test("returns the good records before it rejects", () => {
    const { decoder, seal } = afterAuth();
    decoder.push(Buffer.concat([seal(hex("b1")), hex("02 000010")]));
    expect(decoder.next()).toMatchObject({ kind: 2 });
    expect(thrownBy(() => decoder.next())).toMatchObject({ code: "IPC_RECORD_INVALID" });
  });
});

describe("a record decoder that failed", () => {
  test.each([
    ["IPC_RECORD_INVALID", ["02 000010"]],
    ["IPC_RECORD_INVALID", ["02", "0000", "10"]],
    ["IPC_RECORD_TRUNCATED", ["02 000011 b1"]],
    ["IPC_RECORD_TRUNCATED", []],
    ["IPC_DECRYPTION_FAILED", [`02 000011 b1 ${"00".repeat(16)} 02`]],
    ["IPC_DECRYPTION_FAILED", ["02 000011 b1", `${"00".repeat(16)} 02`]],
  ])("with %s throws the same error on every later call, and keeps no bytes", (code, chunks) => {
    const { decoder } = afterAuth();
    const error = thrownBy(() => {
      for (const chunk of chunks) {
        decoder.push(hex(chunk));
        while (decoder.next() !== undefined);
      }
      decoder.end();
    });
    expect(error).toMatchObject({ code });
    for (const call of [
      () => decoder.next(),
      () => decoder.end(),
      () => decoder.push(hex("02")),
      () => decoder.next(),
    ]) {
      expect(thrownBy(call)).toBe(error);
    }
    expect(decoder.bufferedBytes).toBe(0);
  });
});

describe("the end of the stream", () => {
  // Records of 22, 21 and 20 bytes.
  const sealer = new RecordSealer(keys());
  const stream = Buffer.concat([
    sealer.seal(RECORD_KIND.auth, [hex("a1a2")]),
    sealer.seal(RECORD_KIND.data, [hex("b1")]),
    sealer.seal(RECORD_KIND.close),
  ]);

  test.each([1, 7, 63])("is accepted behind CLOSE only, in chunks of %i", (step) => {
    for (let length = 0; length <= stream.length; length++) {
      const decoder = pushed();
      for (let at = 0; at < length; at += step) {
        decoder.push(stream.subarray(at, Math.min(at + step, length)));
        takeAll(decoder);
      }
      const [start, size] = [
        [0, 22],
        [22, 21],
        [43, 20],
        [63, 0],
      ].findLast(([first]) => length >= (first as number)) as [number, number];
      const here = length - start;
      if (size === 0) {
        decoder.end();
        continue;
      }
      const wanted = here < 4 ? "an unknown number of" : size;
      const records = [0, 22, 43].indexOf(start);
      expect(thrownBy(() => decoder.end())).toMatchObject({
        code: "IPC_RECORD_TRUNCATED",
        message: expect.stringContaining(
          here === 0 ? `end after ${records} records without CLOSE` : `after ${here} of ${wanted} bytes of a record`,
        ),
      });
    }
  });
});
