import { createSecretKey } from "node:crypto";
import { array, assert, constantFrom, property, uint8Array } from "fast-check";
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
import { RECORD_KIND } from "./record-header.js";
import { RecordOpener } from "./record-opener.js";
import { RecordSealer } from "./record-sealer.js";

const keys = (): ConstructorParameters<typeof RecordOpener>[0] => ({
  key: createSecretKey(new Uint8Array(32)),
  iv: new Uint8Array(12),
});
const AUTH = new RecordSealer(keys()).seal(RECORD_KIND.auth);

/** A stream of DATA records with these plaintexts, and a CLOSE; the AUTH came before. */
function streamOf(...lengths: number[]): SplitStream {
  const bodies = bodiesOf(...lengths);
  const sealer = new RecordSealer(keys());
  sealer.seal(RECORD_KIND.auth);
  const records = bodies.map((body) => sealer.seal(RECORD_KIND.data, [body]));
  return { bodies, bytes: Uint8Array.from(Buffer.concat([...records, sealer.seal(RECORD_KIND.close)])) };
}

/** Joins the pieces of a record, of which only the long ones have several. */
function newDecoder({ bodies }: SplitStream): BodyDecoder {
  const records = new RecordDecoder(new RecordOpener(keys()));
  records.push(AUTH);
  records.next();
  let body = 0;
  return {
    push: (chunk) => records.push(chunk),
    next() {
      const pieces: Uint8Array[] = [];
      const wanted = bodies[body]?.length ?? 0;
      for (let length = 0; ; ) {
        const piece = records.next();
        if (piece === undefined) {
          if (length > 0) throw new Error("a record was returned in part");
          return undefined;
        }
        if (piece.kind === RECORD_KIND.close) return undefined;
        pieces.push(piece.plaintext);
        length += piece.plaintext.length;
        if (length < wanted) continue;
        body++;
        return Uint8Array.from(Buffer.concat(pieces));
      }
    },
    end: () => records.end(),
    get bufferedBytes() {
      return records.bufferedBytes;
    },
  };
}

describe.each(["each", "end"] as const)("a record decoder that is read after %s chunk", (drain) => {
  test.each([
    ["one record", streamOf(1)],
    ["small records", streamOf(1, 2, 24, 1)],
    ["small and medium records", streamOf(1, 74, 17)],
  ])("returns %s whole over every two cuts", (_what, stream) => {
    expect(wrongCuts(() => newDecoder(stream), stream, everyCut(stream), drain)).toEqual([]);
  });

  test("returns a record of 70 000 bytes whole over every two cuts around each piece", () => {
    const stream = streamOf(4, 70_000, 3);
    const first = 24 + 4;
    const places = [0, 24, first, first + 4_096, first + 8_192, first + 65_904, first + 70_000, first + 70_016];
    const cuts = new Set([...places, stream.bytes.length].flatMap((place) => [place - 1, place, place + 1, place + 5]));
    const inside = [...cuts].filter((cut) => cut >= 0 && cut <= stream.bytes.length).sort((a, b) => a - b);
    expect(wrongCuts(() => newDecoder(stream), stream, inside, drain)).toEqual([]);
  });
});

test.each([
  ["small records", streamOf(1, 2, 24, 1)],
  ["a record over 65 536 bytes", streamOf(1, 70_000, 2)],
])("returns %s whole when pushed byte by byte", (_what, stream) => {
  const chunks = [...stream.bytes].map((byte) => Uint8Array.of(byte));
  expect(decodes(newDecoder(stream), stream, chunks, "each")).toBe(true);
});

test("leaves the pushed bytes unchanged", () => {
  const stream = streamOf(1, 24);
  const before = stream.bytes.slice();
  decodes(newDecoder(stream), stream, [stream.bytes.subarray(0, 30), stream.bytes.subarray(30)], "each");
  expect(stream.bytes).toEqual(before);
});

test("returns the plaintext of any records, however the stream is cut", () => {
  const plaintexts = array(uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 12 });
  const cuts = array(constantFrom(0, 1, 2, 3, 4, 5, 19, 20, 21, 64, 200), { minLength: 1, maxLength: 40 });
  assert(
    property(plaintexts, cuts, (data, sizes) => {
      const sealer = new RecordSealer(keys());
      const decoder = new RecordDecoder(new RecordOpener(keys()));
      const stream = Buffer.concat([
        sealer.seal(RECORD_KIND.auth),
        ...data.map((plaintext) => sealer.seal(RECORD_KIND.data, [plaintext])),
        sealer.seal(RECORD_KIND.close),
      ]);
      const taken: string[] = [];
      for (let at = 0, n = 0; at < stream.length; n++) {
        const size = sizes.every((each) => each === 0) ? 1 : (sizes[n % sizes.length] as number);
        decoder.push(stream.subarray(at, at + size));
        at += size;
        for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) {
          taken.push(`${piece.kind} ${Buffer.from(piece.plaintext).toString("hex")}`);
        }
      }
      decoder.end();
      const hex = data.map((plaintext) => `2 ${Buffer.from(plaintext).toString("hex")}`);
      expect(taken).toEqual(["1 ", ...hex, "3 "]);
    }),
  );
});
