import { describe, expect, test } from "vitest";
import { RecordDecoder } from "./record-decoder.js";

interface Stream {
  readonly bodies: readonly Uint8Array[];
  readonly bytes: Uint8Array;
}

/** A stream of DATA records with bodies that differ from their neighbours at every byte. */
function streamOf(...lengths: number[]): Stream {
  const bodies = lengths.map((length, seed) =>
    Uint8Array.from({ length }, (_, index) => (index * 13 + seed * 101 + 5) & 0xff),
  );
  const records = bodies.flatMap((body) => [
    Uint8Array.of(2, body.length >>> 16, body.length >>> 8, body.length),
    body,
  ]);
  return { bodies, bytes: Uint8Array.from(Buffer.concat(records)) };
}

/** Whether the chunks, drained after each or only at the end, give the records of the stream. */
function reads({ bodies }: Stream, chunks: readonly Uint8Array[], drain: "each" | "end"): boolean {
  const reader = new RecordDecoder();
  const read: Uint8Array[] = [];
  const take = (): void => {
    for (let record = reader.next(); record !== undefined; record = reader.next()) read.push(record.sealed);
  };
  for (const chunk of chunks) {
    reader.push(chunk);
    if (drain === "each") take();
  }
  take();
  reader.end();
  if (reader.bufferedBytes !== 0) return false;
  return read.length === bodies.length && read.every((body, n) => Buffer.compare(body, bodies[n] ?? body) === 0);
}

/** The pairs of cuts, of those given, at which the stream is not read as it should be. */
function wrongCuts(stream: Stream, cuts: readonly number[], drain: "each" | "end"): string[] {
  const { bytes } = stream;
  const wrong: string[] = [];
  for (const [index, i] of cuts.entries()) {
    for (const j of cuts.slice(index)) {
      const chunks = [bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)];
      if (!reads(stream, chunks, drain)) wrong.push(`${i}, ${j}`);
    }
  }
  return wrong;
}

describe.each(["each", "end"] as const)("drained after %s chunk", (drain) => {
  test.each([
    ["one record", streamOf(17)],
    ["small records", streamOf(17, 18, 40, 17)],
    ["small and medium records", streamOf(17, 90, 33)],
  ])("%s come out whole over every two cuts", (_what, stream) => {
    const cuts = Array.from({ length: stream.bytes.length + 1 }, (_, cut) => cut);
    expect(wrongCuts(stream, cuts, drain)).toEqual([]);
  });

  test("the longest record comes out whole over every two cuts around where memory is made", () => {
    const stream = streamOf(20, 262_160, 19);
    const first = 24 + 4;
    const places = [0, 24, first, first + 65_536, first + 131_072, first + 262_160, stream.bytes.length];
    const cuts = new Set(places.flatMap((place) => [place - 1, place, place + 1, place + 5]));
    const inside = [...cuts].filter((cut) => cut >= 0 && cut <= stream.bytes.length).sort((a, b) => a - b);
    expect(wrongCuts(stream, inside, drain)).toEqual([]);
  });
});

test.each([
  ["small records", streamOf(17, 18, 40, 17)],
  ["a record over 65 536 bytes", streamOf(17, 70_000, 18)],
])("%s come out whole byte by byte", (_what, stream) => {
  const chunks = [...stream.bytes].map((byte) => Uint8Array.of(byte));
  expect(reads(stream, chunks, "each")).toBe(true);
});

test("the pushed bytes are not changed", () => {
  const stream = streamOf(17, 40);
  const before = stream.bytes.slice();
  reads(stream, [stream.bytes.subarray(0, 30), stream.bytes.subarray(30)], "each");
  expect(stream.bytes).toEqual(before);
});
