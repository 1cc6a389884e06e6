import { describe, expect, test } from "vitest";
import { FrameDecoder } from "./frame-decoder.js";
import { encodeFrame } from "./frame-layout.js";

/** Bytes that differ from their neighbours. */
function bodyOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 13 + 5) & 0xff);
}

/** Takes out whatever is whole after each chunk; says for how much memory it was asked. */
function decode(
  chunks: readonly Uint8Array[],
  take: (decoder: FrameDecoder) => Uint8Array | undefined = (decoder) => decoder.next(),
): { readonly bodies: Uint8Array[]; readonly asked: number[] } {
  const asked: number[] = [];
  const decoder = new FrameDecoder({
    maxBodyLength: 200_000,
    minBodyLength: 0,
    // What was there before, as in memory that was not zeroed.
    allocate: (bytes) => {
      asked.push(bytes);
      return new Uint8Array(bytes).fill(0xff);
    },
  });
  const bodies: Uint8Array[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let body = take(decoder); body !== undefined; body = take(decoder)) bodies.push(body);
  }
  decoder.end();
  return { bodies, asked };
}

describe("the decoder", () => {
  test("allocates no memory when the body lies in one chunk, even if its length came before", () => {
    const frame = encodeFrame(bodyOf(5_000));
    for (const chunks of [[frame], [frame, frame], [frame.subarray(0, 2), frame.subarray(2)]]) {
      expect(decode(chunks).asked).toEqual([]);
    }
    expect(decode([frame.subarray(0, 4), frame.subarray(4)]).asked).toEqual([]);
  });

  test("allocates once, for exactly the body, when the body arrives in pieces", () => {
    for (const length of [2, 300, 4_096, 5_000, 131_073]) {
      const frame = encodeFrame(bodyOf(length));
      const cuts = [0, 5, Math.ceil(length / 2) + 4, frame.length];
      const chunks = cuts.slice(1).map((cut, index) => frame.subarray(cuts[index], cut));
      expect(decode(chunks).asked).toEqual([length]);
    }
  });

  test("allocates for the type, too, when nextMessage returns type and data", () => {
    const frame = encodeFrame(bodyOf(12));
    const { bodies, asked } = decode(
      [frame.subarray(0, 9), frame.subarray(9)],
      (decoder) => decoder.nextMessage()?.data,
    );
    expect(asked).toEqual([12]);
    expect(bodies).toEqual([bodyOf(12).subarray(4)]);
  });

  test("returns small bodies unchanged over every two cuts when the allocated memory is dirty", () => {
    const expected = [bodyOf(9), bodyOf(0), bodyOf(40)];
    const bytes = Uint8Array.from(Buffer.concat(expected.map(encodeFrame)));
    const wrong: string[] = [];
    for (let i = 0; i <= bytes.length; i++) {
      for (let j = i; j <= bytes.length; j++) {
        const { bodies } = decode([bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)]);
        if (!Buffer.concat(bodies).equals(Buffer.concat(expected))) wrong.push(`${i}, ${j}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each([1, 4_095, 4_096, 65_536])(
    "returns a large body unchanged in chunks of %i when the allocated memory is dirty",
    (size) => {
      const body = bodyOf(131_073);
      const frame = encodeFrame(body);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < frame.length; at += size) chunks.push(frame.subarray(at, at + size));
      const { bodies, asked } = decode(chunks);
      expect(asked).toEqual([body.length]);
      expect(Buffer.from(bodies[0] ?? []).equals(body)).toBe(true);
    },
  );
});

describe("the decoder, when allocate returns a wrong size,", () => {
  test.each([299, 301, 0])("throws a RangeError with the figures: %i bytes instead of 300", (given) => {
    const decoder = new FrameDecoder({ maxBodyLength: 1_000, allocate: () => new Uint8Array(given) });
    const frame = encodeFrame(bodyOf(300));
    decoder.push(frame.subarray(0, 100));
    expect(decoder.next()).toBeUndefined();
    decoder.push(frame.subarray(100));
    expect(() => decoder.next()).toThrow(new RangeError(`allocate: returned ${given} bytes, requested 300`));
  });

  test("loses no byte: the next call allocates again and returns the body and the one after it", () => {
    const full = new RangeError("no memory");
    const outcomes = [full, new Uint8Array(1), new Uint8Array(300)];
    const decoder = new FrameDecoder({
      maxBodyLength: 1_000,
      allocate: () => {
        const outcome = outcomes.shift();
        if (outcome instanceof Uint8Array) return outcome;
        throw full;
      },
    });
    const frame = encodeFrame(bodyOf(300));
    decoder.push(frame.subarray(0, 100));
    expect(decoder.next()).toBeUndefined();
    decoder.push(Uint8Array.from(Buffer.concat([frame.subarray(100), encodeFrame(bodyOf(7))])));
    expect(() => decoder.next()).toThrow(full);
    expect(() => decoder.next()).toThrow("allocate: returned 1 bytes, requested 300");
    expect(decoder.next()).toEqual(bodyOf(300));
    expect(decoder.next()).toEqual(bodyOf(7));
    decoder.end();
  });
});
