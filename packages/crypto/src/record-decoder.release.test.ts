import { createSecretKey } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { RecordDecoder } from "./record-decoder.js";
import { RECORD_KIND } from "./record-header.js";
import { RecordOpener } from "./record-opener.js";
import { RecordSealer } from "./record-sealer.js";

const keys = (): ConstructorParameters<typeof RecordOpener>[0] => ({
  key: createSecretKey(new Uint8Array(32)),
  iv: new Uint8Array(12),
});
const patterned = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff);

/** A decoder whose AUTH has come, and the sealer of the records behind it. */
function afterAuth(): { readonly decoder: RecordDecoder; readonly seal: (plaintext: Uint8Array) => Uint8Array } {
  const sealer = new RecordSealer(keys());
  const decoder = new RecordDecoder(new RecordOpener(keys()));
  decoder.push(sealer.seal(RECORD_KIND.auth));
  decoder.next();
  return { decoder, seal: (plaintext) => sealer.seal(RECORD_KIND.data, [plaintext]) };
}

/** The plaintext of what is complete. */
function takeAll(decoder: RecordDecoder): Uint8Array[] {
  const taken: Uint8Array[] = [];
  for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) taken.push(piece.plaintext);
  return taken;
}

describe("a released chunk", () => {
  /** Two records, the first of which fills `firstBytes` bytes of the stream. */
  function twoRecords(firstBytes: number): { readonly decoder: RecordDecoder; readonly stream: Uint8Array } {
    const { decoder, seal } = afterAuth();
    return {
      decoder,
      stream: Uint8Array.from(Buffer.concat([seal(patterned(firstBytes - 20)), seal(Uint8Array.of(0xb1))])),
    };
  }

  test("is freed when all its bytes were taken, also before the decoder has seen that no more follow", () => {
    const { decoder, stream } = twoRecords(40_000);
    const [chunk, rest] = [stream.slice(0, 40_000), stream.slice(40_000)];
    decoder.push(chunk);
    expect(decoder.next()?.plaintext).toHaveLength(39_980);
    decoder.release(chunk);
    expect([chunk.length, decoder.bufferedBytes]).toEqual([0, 0]);
    decoder.push(rest);
    expect(takeAll(decoder).map(({ length }) => length)).toEqual([1]);
  });

  test("is not freed while a record of it was not taken", () => {
    const { decoder, stream } = twoRecords(40_000);
    decoder.push(stream);
    expect(decoder.next()?.plaintext).toHaveLength(39_980);
    decoder.release(stream);
    expect(stream).toHaveLength(40_021);
    expect(takeAll(decoder).map(({ length }) => length)).toEqual([1]);
  });

  test("is freed when its bytes are the beginning of a record", () => {
    const { decoder, seal } = afterAuth();
    const record = Uint8Array.from(seal(patterned(200_000)));
    const chunks = [record.slice(0, 65_536), record.slice(65_536)];
    const pieces = chunks.flatMap((chunk) => {
      decoder.push(chunk);
      const taken = takeAll(decoder);
      decoder.release(chunk);
      return taken;
    });
    expect(chunks.map(({ length }) => length)).toEqual([0, 0]);
    expect(Buffer.concat(pieces).equals(patterned(200_000))).toBe(true);
  });
});

test("a decoder that gets no memory loses no byte: the next call allocates again", () => {
  const { decoder, seal } = afterAuth();
  const record = seal(patterned(50_000));
  decoder.push(record.subarray(0, 30_000));
  const allocate = vi.spyOn(Buffer, "allocUnsafeSlow").mockImplementationOnce(() => {
    throw new RangeError("Array buffer allocation failed");
  });
  expect(() => decoder.next()).toThrow("Array buffer allocation failed");
  allocate.mockRestore();
  expect([decoder.next(), decoder.bufferedBytes]).toEqual([undefined, 30_000]);
  decoder.push(record.subarray(30_000));
  expect(Buffer.concat(takeAll(decoder)).equals(patterned(50_000))).toBe(true);
});
