import { describe, expect, test } from "vitest";
import { FrameDecoder } from "./frame-decoder.js";
import { encodeFrame } from "./frame-layout.js";

const MAX_BODY_LENGTH = 100_000;

/** A body that differs from its neighbours at every byte. */
function bodyOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 13 + seed * 101 + 5) & 0xff);
}

interface Stream {
  readonly bodies: readonly Uint8Array[];
  readonly bytes: Uint8Array;
  /** Where each frame starts, and the end. */
  readonly boundaries: readonly number[];
}

function streamOf(...lengths: number[]): Stream {
  const bodies = lengths.map(bodyOf);
  const boundaries = [0];
  for (const length of lengths) boundaries.push((boundaries.at(-1) as number) + 4 + length);
  return { bodies, bytes: Uint8Array.from(Buffer.concat(bodies.map(encodeFrame))), boundaries };
}

/** Whether the chunks, drained after each or only at the end, give the bodies of the stream. */
function decodes({ bodies }: Stream, chunks: readonly Uint8Array[], drain: "each" | "end"): boolean {
  const decoder = new FrameDecoder({ maxBodyLength: MAX_BODY_LENGTH, minBodyLength: 0 });
  const decoded: Uint8Array[] = [];
  const take = (): void => {
    for (let body = decoder.next(); body !== undefined; body = decoder.next()) decoded.push(body);
  };
  for (const chunk of chunks) {
    decoder.push(chunk);
    if (drain === "each") take();
  }
  take();
  decoder.end();
  if (decoder.bufferedBytes !== 0) return false;
  return decoded.length === bodies.length && decoded.every((body, n) => Buffer.compare(body, bodies[n] ?? body) === 0);
}

/** The pairs of cuts, of those given, at which the stream is not decoded to its bodies. */
function wrongCuts(stream: Stream, cuts: readonly number[], drain: "each" | "end"): string[] {
  const { bytes } = stream;
  const wrong: string[] = [];
  for (const [index, i] of cuts.entries()) {
    for (const j of cuts.slice(index)) {
      const chunks = [bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)];
      if (!decodes(stream, chunks, drain)) wrong.push(`${i}, ${j}`);
    }
  }
  return wrong;
}

const everyCut = ({ bytes }: Stream): number[] => Array.from({ length: bytes.length + 1 }, (_, cut) => cut);

const SMALL: readonly [what: string, stream: Stream][] = [
  ["one empty frame", streamOf(0)],
  ["one frame", streamOf(9)],
  ["empty frames", streamOf(0, 0, 0, 0)],
  ["empty and small frames", streamOf(0, 1, 4, 0, 5, 17, 0)],
  ["small and medium frames", streamOf(4, 70, 3, 40)],
];

describe.each(["each", "end"] as const)("drained after %s chunk", (drain) => {
  test.each(SMALL)("%s come out whole over every two cuts", (_what, stream) => {
    expect(wrongCuts(stream, everyCut(stream), drain)).toEqual([]);
  });

  test.each([
    ["over 4 096 bytes", streamOf(5, 4_097, 0, 300, 4_096, 6)],
    ["over 65 536 bytes", streamOf(5, 65_537, 0, 7)],
  ])("frames %s come out whole over every two cuts around boundaries and block sizes", (_what, stream) => {
    const near = new Set<number>();
    const add = (at: number, reach: number): void => {
      for (let cut = at - reach; cut <= at + reach; cut++) if (cut >= 0 && cut <= stream.bytes.length) near.add(cut);
    };
    for (const boundary of stream.boundaries) add(boundary, 5);
    // Where the pieces of the long frame, which starts at 9, change from copied to kept and from block to block.
    for (const size of [256, 768, 4_096, 8_192, 65_536]) add(13 + size, 1);
    const cuts = [...near].sort((a, b) => a - b);
    expect(wrongCuts(stream, cuts, drain)).toEqual([]);
  });
});

test.each([
  ["empty and small frames", streamOf(0, 1, 4, 0, 5, 17, 0)],
  ["a frame over 4 096 bytes", streamOf(5, 4_097, 0, 300)],
  ["a frame over 65 536 bytes", streamOf(5, 65_537, 0, 7)],
])("%s come out whole byte by byte", (_what, stream) => {
  const chunks = [...stream.bytes].map((byte) => Uint8Array.of(byte));
  expect(decodes(stream, chunks, "each")).toBe(true);
});

test("the pushed bytes are not changed", () => {
  const stream = streamOf(0, 5, 17);
  const before = stream.bytes.slice();
  expect(wrongCuts(stream, everyCut(stream), "each")).toEqual([]);
  expect(stream.bytes).toEqual(before);
});
