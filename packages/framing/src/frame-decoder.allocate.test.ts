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
    // Earlier content, as in memory that was not zeroed.
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

describe.each([
  ["small, allocated with its first piece,", 300, 1],
  ["large, allocated when it is complete,", 5_000, 2],
])("the decoder, when allocate fails for a frame that is %s", (_which, length, failsAt) => {
  const frame = encodeFrame(bodyOf(length));
  const pieces = [
    frame.subarray(0, 100),
    Uint8Array.from(Buffer.concat([frame.subarray(100), encodeFrame(bodyOf(7))])),
  ];

  /** Gives the decoder the pieces up to the one with which it allocates. */
  function decoderBefore(allocate: (bytes: number) => Uint8Array): FrameDecoder {
    const decoder = new FrameDecoder({ maxBodyLength: 10_000, allocate });
    for (const [index, piece] of pieces.slice(0, failsAt).entries()) {
      if (index > 0) expect(decoder.next()).toBeUndefined();
      decoder.push(piece);
    }
    return decoder;
  }

  test.each([-1, 1, -length])("throws a RangeError with the figures: %i bytes off", (off) => {
    const decoder = decoderBefore(() => new Uint8Array(length + off));
    const message = `allocate: returned ${length + off} bytes, requested ${length}`;
    expect(() => decoder.next()).toThrow(new RangeError(message));
  });

  test("loses no byte: the next call allocates again and returns the body and the one after it", () => {
    const full = new RangeError("no memory");
    const outcomes = [full, new Uint8Array(1), new Uint8Array(length)];
    const decoder = decoderBefore(() => {
      const outcome = outcomes.shift();
      if (outcome instanceof Uint8Array) return outcome;
      throw full;
    });
    expect(() => decoder.next()).toThrow(full);
    expect(() => decoder.next()).toThrow(`allocate: returned 1 bytes, requested ${length}`);
    const bodies = [decoder.next()];
    for (const piece of pieces.slice(failsAt)) {
      decoder.push(piece);
      bodies.push(decoder.next());
    }
    bodies.push(decoder.next());
    expect(bodies.filter((body) => body !== undefined)).toEqual([bodyOf(length), bodyOf(7)]);
    decoder.end();
  });
});
