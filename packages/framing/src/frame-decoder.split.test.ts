import { describe, expect, test } from "vitest";
import {
  bodiesOf,
  decodes,
  everyCut,
  type SplitStream,
  wrongCuts,
} from "../../../internal/testkit/src/split-stream.js";
import { FrameDecoder } from "./frame-decoder.js";
import { encodeFrame } from "./frame-layout.js";

const newDecoder = (): FrameDecoder => new FrameDecoder({ maxBodyLength: 100_000, minBodyLength: 0 });

interface Stream extends SplitStream {
  /** The start of each frame, and the end. */
  readonly boundaries: readonly number[];
}

function streamOf(...lengths: number[]): Stream {
  const bodies = bodiesOf(...lengths);
  const boundaries = [0];
  for (const length of lengths) boundaries.push((boundaries.at(-1) as number) + 4 + length);
  return { bodies, bytes: Uint8Array.from(Buffer.concat(bodies.map(encodeFrame))), boundaries };
}

const SMALL: readonly [what: string, stream: Stream][] = [
  ["one empty frame", streamOf(0)],
  ["one frame", streamOf(9)],
  ["empty frames", streamOf(0, 0, 0, 0)],
  ["empty and small frames", streamOf(0, 1, 4, 0, 5, 17, 0)],
  ["small and medium frames", streamOf(4, 70, 3, 40)],
];

describe.each(["each", "end"] as const)("a decoder that is read after %s chunk", (drain) => {
  test.each(SMALL)("returns %s whole over every two cuts", (_what, stream) => {
    expect(wrongCuts(newDecoder, stream, everyCut(stream), drain)).toEqual([]);
  });

  test.each([
    ["over 4 096 bytes", streamOf(5, 4_097, 0, 300, 4_096, 6)],
    ["over 65 536 bytes", streamOf(5, 65_537, 0, 7)],
  ])("returns frames %s whole over every two cuts around boundaries and block sizes", (_what, stream) => {
    const near = new Set<number>();
    const add = (at: number, reach: number): void => {
      for (let cut = at - reach; cut <= at + reach; cut++) if (cut >= 0 && cut <= stream.bytes.length) near.add(cut);
    };
    for (const boundary of stream.boundaries) add(boundary, 5);
    // Cuts at which the pieces of the long frame, which starts at 9, change from copied to kept and from block to block.
    for (const size of [256, 768, 4_096, 8_192, 65_536]) add(13 + size, 1);
    const cuts = [...near].sort((a, b) => a - b);
    expect(wrongCuts(newDecoder, stream, cuts, drain)).toEqual([]);
  });
});

test.each([
  ["empty and small frames", streamOf(0, 1, 4, 0, 5, 17, 0)],
  ["a frame over 4 096 bytes", streamOf(5, 4_097, 0, 300)],
  ["a frame over 65 536 bytes", streamOf(5, 65_537, 0, 7)],
])("returns %s whole when pushed byte by byte", (_what, stream) => {
  const chunks = [...stream.bytes].map((byte) => Uint8Array.of(byte));
  expect(decodes(newDecoder(), stream, chunks, "each")).toBe(true);
});

test("leaves the pushed bytes unchanged", () => {
  const stream = streamOf(0, 5, 17);
  const before = stream.bytes.slice();
  expect(wrongCuts(newDecoder, stream, everyCut(stream), "each")).toEqual([]);
  expect(stream.bytes).toEqual(before);
});
