import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeFrame, encodeFrame, encodePassingFrame, FLAG, type FrameParts, KIND } from "./frame.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const name = (text: string): Buffer => Buffer.from(text);

describe("encodeFrame gives the literal bytes of", () => {
  test.each<[what: string, parts: FrameParts, wire: string]>([
    [
      "a call with a deadline and JSON",
      { kind: KIND.call, id: 1, number: 30_000, name: name("get"), payload: '{"id":7}' },
      "01 10 0003 00000001 00007530 676574 7b226964223a377d",
    ],
    [
      "a call with meta, items and bytes",
      {
        kind: KIND.call,
        flags: FLAG.items,
        id: 2,
        name: name("put"),
        meta: name('{"a":"b"}'),
        payload: Uint8Array.of(1, 2),
      },
      "01 26 0003 00000002 00000000 707574 0009 7b2261223a2262227d 0102",
    ],
    [
      "a one-way call without an input",
      { kind: KIND.call, flags: FLAG.oneWay, id: 3, name: name("log") },
      "01 01 0003 00000003 00000000 6c6f67",
    ],
    ["an item", { kind: KIND.item, id: 1, payload: "7" }, "02 10 0000 00000001 00000000 37"],
    ["the end of items", { kind: KIND.end, id: 1 }, "03 00 0000 00000001 00000000"],
    [
      "an item with a character that takes two bytes",
      { kind: KIND.item, id: 1, payload: '"é"' },
      "02 10 0000 00000001 00000000 22c3a922",
    ],
    ["credit", { kind: KIND.credit, id: 1, number: 16_384 }, "04 00 0000 00000001 00004000"],
    ["a cancellation", { kind: KIND.cancel, id: 0xffff_ffff }, "05 00 0000 ffffffff 00000000"],
    ["a result without a value", { kind: KIND.result, id: 1 }, "06 00 0000 00000001 00000000"],
    [
      "an error",
      { kind: KIND.error, id: 1, name: name("ipc.busy"), payload: '{"message":"é"}' },
      "07 10 0008 00000001 00000000 6970632e62757379 7b226d657373616765223a22c3a9227d",
    ],
  ])("%s", (_what, parts, wire) => {
    expect(hex(encodeFrame(parts))).toBe(wire.replaceAll(" ", ""));
  });
});

describe("encodePassingFrame", () => {
  const parts = (payload: string): FrameParts => ({ kind: KIND.result, id: 1, payload });

  test.each([0, 1, 244, 245, 300])("gives the same bytes as encodeFrame with a value of %i bytes", (length) => {
    const text = "x".repeat(length);
    expect(hex(encodePassingFrame(parts(text)))).toBe(hex(encodeFrame(parts(text))));
  });

  test("uses the memory of short frames again, and never that of a frame to keep", () => {
    const kept = encodeFrame(parts("1"));
    const first = encodePassingFrame(parts("2"));
    expect(encodePassingFrame(parts("3"))).toBe(first);
    expect(hex(kept)).toBe(hex(encodeFrame(parts("1"))));
  });
});

describe("decodeFrame", () => {
  test("returns undefined for data shorter than its header says", () => {
    const whole = encodeFrame({ kind: KIND.call, id: 1, name: name("get"), meta: name("{}") });
    for (let length = 0; length < whole.length; length++)
      expect(decodeFrame(whole.subarray(0, length))).toBeUndefined();
    expect(decodeFrame(whole)).toMatchObject({ kind: 1, id: 1, name: "get" });
  });

  test("keeps an unknown kind, codec and flag, so that the layer can ignore the frame", () => {
    const frame = decodeFrame(bytes("63 f8 0000 00000001 00000002 6162"));
    expect(frame).toMatchObject({ kind: 99, codec: 15, flags: 8, id: 1, number: 2, name: "" });
    expect(hex(frame?.payload ?? Buffer.alloc(0))).toBe("6162");
  });

  test("decodes no name of more than 255 bytes, because no method has one", () => {
    const long = encodeFrame({ kind: KIND.call, id: 1, name: Buffer.alloc(256, "a"), payload: "1" });
    expect(decodeFrame(long)).toMatchObject({ name: "", id: 1 });
    expect(decodeFrame(long)?.payload.toString()).toBe("1");
  });

  test.each([
    ["two names of one length and one last byte", "6178", "6278", "ax", "bx"],
    ["two names that are not UTF-8", "ff61", "c361", "\ufffda", "\ufffda"],
  ])("tells apart %s, in turn, and keeps neither in the memory of its message", (_what, one, two, first, second) => {
    const memory = new Uint8Array(14);
    for (let round = 0; round < 3; round++)
      for (const [sent, read] of [
        [one, first],
        [two, second],
      ] as const) {
        memory.set(bytes(`01 00 0002 00000001 00000000 ${sent}`));
        expect(decodeFrame(memory)?.name).toBe(read);
        memory.fill(0);
      }
  });

  test("reads a message at any offset in its buffer", () => {
    const frame = encodeFrame({ kind: KIND.item, id: 5, payload: Uint8Array.of(9) });
    const holder = new Uint8Array(frame.length + 3);
    holder.set(frame, 3);
    expect(decodeFrame(holder.subarray(3))).toMatchObject({ kind: KIND.item, id: 5 });
  });

  test("never throws, and reads only within the data", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (data) => {
        const frame = decodeFrame(data);
        if (frame === undefined) return;
        expect(frame.payload.length + (frame.meta?.length ?? 0) + 12).toBeLessThanOrEqual(data.length);
      }),
    );
  });

  test("reads what encodeFrame wrote", () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const parts = fc.record({
      kind: fc.integer({ min: 0, max: 255 }),
      flags: fc.constantFrom(0, FLAG.oneWay, FLAG.items),
      id: u32,
      number: u32,
      name: fc.string({ unit: "grapheme", maxLength: 20 }),
      meta: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
      payload: fc.option(fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array()), { nil: undefined }),
    });
    fc.assert(
      fc.property(parts, (sent) => {
        const frame = decodeFrame(encodeFrame({ ...sent, name: Buffer.from(sent.name) }));
        const { kind, id, number, payload } = sent;
        expect(frame).toMatchObject({ kind, id, number, name: sent.name });
        expect(frame?.meta === undefined).toBe(sent.meta === undefined);
        expect(hex(frame?.meta ?? Buffer.alloc(0))).toBe(hex(sent.meta ?? Buffer.alloc(0)));
        expect(hex(frame?.payload ?? Buffer.alloc(0))).toBe(hex(Buffer.from(payload ?? "")));
      }),
    );
  });
});
