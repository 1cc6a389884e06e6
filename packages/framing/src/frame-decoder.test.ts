import { describe, expect, test } from "vitest";
import { FrameDecoder } from "./frame-decoder.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

function decoderOf(text: string, maxBodyLength = 100): FrameDecoder {
  const decoder = new FrameDecoder({ maxBodyLength });
  decoder.push(hex(text));
  return decoder;
}

describe("the decoder", () => {
  test("returns each body in order, then undefined", () => {
    const decoder = decoderOf("00000004aabbccdd 00000005 1122334455".replaceAll(" ", ""));
    expect(decoder.next()).toEqual(hex("aabbccdd"));
    expect(decoder.next()).toEqual(hex("1122334455"));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.nextMessage()).toBeUndefined();
    decoder.end();
  });

  test("returns type and data with nextMessage, also when calls of next come between", () => {
    const decoder = decoderOf("0000000480000001 0000000500000002aa 0000000400000003".replaceAll(" ", ""));
    expect(decoder.nextMessage()).toEqual({ type: 0x8000_0001, data: hex("") });
    expect(decoder.next()).toEqual(hex("00000002aa"));
    expect(decoder.nextMessage()).toEqual({ type: 3, data: hex("") });
  });

  test("tells which frames are in memory that later ones may share, and forgets it with the chunk", () => {
    const decoder = new FrameDecoder({ maxBodyLength: 100 });
    const chunk = hex("00000004aabbccdd0000000411223344000000045566");
    decoder.push(chunk);
    for (const body of [decoder.next(), decoder.next()])
      expect([decoder.sharedBuffer, body?.buffer]).toEqual([chunk.buffer, chunk.buffer]);
    expect([decoder.next(), decoder.sharedBuffer]).toEqual([undefined, undefined]);
    decoder.push(hex("7788"));
    expect([decoder.next(), decoder.sharedBuffer]).toEqual([hex("55667788"), undefined]);
  });

  test("returns an empty body when minBodyLength is 0", () => {
    const decoder = new FrameDecoder({ maxBodyLength: 0, minBodyLength: 0 });
    for (const byte of hex("0000000000000000")) decoder.push(Uint8Array.of(byte));
    expect(decoder.next()).toEqual(hex(""));
    expect(decoder.next()).toEqual(hex(""));
    expect(decoder.next()).toBeUndefined();
  });

  test("returns undefined when no bytes or an empty chunk were pushed", () => {
    const decoder = new FrameDecoder({ maxBodyLength: 100 });
    expect(decoder.next()).toBeUndefined();
    decoder.push(hex(""));
    expect(decoder.next()).toBeUndefined();
    decoder.end();
  });
});

describe("the memory of a body", () => {
  test("is shared with the chunk when the frame lies within one", () => {
    const chunk = hex("0000000500000001aa00000004bbbbbbbb");
    const decoder = new FrameDecoder({ maxBodyLength: 100 });
    decoder.push(chunk);
    const message = decoder.nextMessage();
    expect(message?.data.buffer).toBe(chunk.buffer);
    expect([message?.data.byteOffset, message?.data.length]).toEqual([8, 1]);
    expect(decoder.next()?.buffer).toBe(chunk.buffer);
  });

  test("is shared with the chunk when only the length came in an earlier one", () => {
    const decoder = decoderOf("00000005");
    expect(decoder.next()).toBeUndefined();
    const chunk = hex("00000001aa");
    decoder.push(chunk);
    expect(decoder.next()?.buffer).toBe(chunk.buffer);
  });

  test("is a copy when the body came in pieces, so that later changes to the chunks do not show", () => {
    const chunks = [hex("000000060000"), hex("0001aabb00000004")];
    const decoder = new FrameDecoder({ maxBodyLength: 100 });
    decoder.push(chunks[0] as Uint8Array);
    expect(decoder.next()).toBeUndefined();
    decoder.push(chunks[1] as Uint8Array);
    const body = decoder.next();
    for (const chunk of chunks) chunk.fill(0xee);
    expect(body).toEqual(hex("00000001aabb"));
  });

  test("does not change when more bytes arrive", () => {
    const decoder = decoderOf("0000000600");
    expect(decoder.next()).toBeUndefined();
    decoder.push(hex("000001aabb0000000600"));
    const first = decoder.next();
    expect(decoder.next()).toBeUndefined();
    decoder.push(hex("000002ccdd"));
    expect(decoder.next()).toEqual(hex("00000002ccdd"));
    expect(first).toEqual(hex("00000001aabb"));
  });

  test.each(["whole", "in pieces"])("is a plain Uint8Array even if Buffers were pushed, %s", (how) => {
    const stream = Buffer.from("0000000600000001aabb0000000600000002ccdd", "hex");
    const chunks = how === "whole" ? [stream] : [...stream].map((byte) => Buffer.from([byte]));
    const decoder = new FrameDecoder({ maxBodyLength: 100 });
    const seen: (Uint8Array | undefined)[] = [];
    for (const chunk of chunks) {
      decoder.push(chunk);
      seen.push(decoder.next(), decoder.nextMessage()?.data);
    }
    const bodies = seen.filter((body) => body !== undefined);
    expect(bodies).toHaveLength(2);
    for (const body of bodies) expect(Object.getPrototypeOf(body)).toBe(Uint8Array.prototype);
  });
});

describe("bufferedBytes", () => {
  test("is the number of bytes pushed and not yet returned, at every stage", () => {
    const decoder = new FrameDecoder({ maxBodyLength: 100 });
    const stages: number[] = [];
    for (const chunk of ["00", "0000", "0500", "0000", "01aa00", "000004", "bbbbbbbb"]) {
      decoder.push(hex(chunk));
      stages.push(decoder.bufferedBytes);
      decoder.next();
      stages.push(decoder.bufferedBytes);
    }
    expect(stages).toEqual([1, 1, 3, 3, 5, 5, 7, 7, 10, 1, 4, 4, 8, 0]);
  });
});

describe("the decoder's options", () => {
  test.each([-1, 3, 4.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY, "100", undefined] as number[])(
    "reject a maxBodyLength of %s",
    (maxBodyLength) => {
      const make = (): unknown => new FrameDecoder({ maxBodyLength });
      expect(make).toThrow(RangeError);
      expect(make).toThrow(
        `maxBodyLength: takes a whole number of bytes, 4 … 4294967295, got ${String(maxBodyLength)}`,
      );
    },
  );

  test.each([-1, 4.5, 2 ** 32, Number.NaN, "4"] as number[])("reject a minBodyLength of %s", (minBodyLength) => {
    const make = (): unknown => new FrameDecoder({ maxBodyLength: 0xffff_ffff, minBodyLength });
    expect(make).toThrow(RangeError);
    expect(make).toThrow(`minBodyLength: takes a whole number of bytes, 0 … 4294967295, got ${String(minBodyLength)}`);
  });

  test("reject a maxBodyLength less than minBodyLength", () => {
    expect(() => new FrameDecoder({ maxBodyLength: 31, minBodyLength: 32 })).toThrow(
      new RangeError("maxBodyLength: takes a whole number of bytes, 32 … 4294967295, got 31"),
    );
  });

  test("accept a maxBodyLength equal to minBodyLength, and the largest u32", () => {
    const decoder = new FrameDecoder({ maxBodyLength: 0xffff_ffff, minBodyLength: 0xffff_ffff });
    decoder.push(hex("ffffffff"));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.bufferedBytes).toBe(4);
  });
});
