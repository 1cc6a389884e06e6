import { describe, expect, test } from "vitest";
import {
  type BodyDecoder,
  bodiesOf,
  decodes,
  everyCut,
  type SplitStream,
  wrongCuts,
} from "../../../internal/testkit/src/split-stream.js";
import { RecordDecoder } from "./record-decoder.js";

/** A stream of DATA records. */
function streamOf(...lengths: number[]): SplitStream {
  const bodies = bodiesOf(...lengths);
  const records = bodies.flatMap((body) => [
    Uint8Array.of(2, body.length >>> 16, body.length >>> 8, body.length),
    body,
  ]);
  return { bodies, bytes: Uint8Array.from(Buffer.concat(records)) };
}

function newDecoder(): BodyDecoder {
  const records = new RecordDecoder();
  return {
    push: (chunk) => records.push(chunk),
    next: () => records.next()?.sealed,
    end: () => records.end(),
    get bufferedBytes() {
      return records.bufferedBytes;
    },
  };
}

describe.each(["each", "end"] as const)("a record decoder that is read after %s chunk", (drain) => {
  test.each([
    ["one record", streamOf(17)],
    ["small records", streamOf(17, 18, 40, 17)],
    ["small and medium records", streamOf(17, 90, 33)],
  ])("returns %s whole over every two cuts", (_what, stream) => {
    expect(wrongCuts(newDecoder, stream, everyCut(stream), drain)).toEqual([]);
  });

  test("returns the longest record whole over every two cuts around each allocation", () => {
    const stream = streamOf(20, 262_160, 19);
    const first = 24 + 4;
    const places = [0, 24, first, first + 65_536, first + 131_072, first + 262_160, stream.bytes.length];
    const cuts = new Set(places.flatMap((place) => [place - 1, place, place + 1, place + 5]));
    const inside = [...cuts].filter((cut) => cut >= 0 && cut <= stream.bytes.length).sort((a, b) => a - b);
    expect(wrongCuts(newDecoder, stream, inside, drain)).toEqual([]);
  });
});

test.each([
  ["small records", streamOf(17, 18, 40, 17)],
  ["a record over 65 536 bytes", streamOf(17, 70_000, 18)],
])("returns %s whole when pushed byte by byte", (_what, stream) => {
  const chunks = [...stream.bytes].map((byte) => Uint8Array.of(byte));
  expect(decodes(newDecoder(), stream, chunks, "each")).toBe(true);
});

test("leaves the pushed bytes unchanged", () => {
  const stream = streamOf(17, 40);
  const before = stream.bytes.slice();
  decodes(newDecoder(), stream, [stream.bytes.subarray(0, 30), stream.bytes.subarray(30)], "each");
  expect(stream.bytes).toEqual(before);
});
