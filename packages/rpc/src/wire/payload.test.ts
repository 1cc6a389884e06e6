import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeByBuffer, decodeValue, encodeValue, textOf, writeText } from "./payload.js";

describe("encodeValue", () => {
  test("sends bytes as bytes, undefined as nothing, and the rest as JSON", () => {
    const data = Uint8Array.of(1);
    expect(encodeValue(data)).toBe(data);
    expect(encodeValue(undefined)).toBeUndefined();
    expect(encodeValue({ a: [1, "é", null] })).toBe('{"a":[1,"é",null]}');
  });

  test.each([
    ["order.image", { order: { image: Uint8Array.of(1) } }],
    ["1.data", ["x", { data: Buffer.from("a") }]],
    ["empty", { empty: new Uint8Array(0) }],
    ["numbers", { numbers: Float64Array.of(1) }],
    ["raw", { raw: new ArrayBuffer(1) }],
  ])("names the path of bytes within a value: %s", (path, value) => {
    expect(() => encodeValue(value)).toThrow(
      new TypeError(`cannot encode the bytes at \`${path}\`: send a Uint8Array as the whole value`),
    );
  });

  test.each([
    ["has items", { toJSON: () => Buffer.from("a") }],
    ["is empty", { toJSON: () => new Uint8Array(0) }],
    ["has wider elements", Float64Array.of(1)],
    ["is an ArrayBuffer", new ArrayBuffer(1)],
  ])("throws for memory as the whole value that JSON would take for an object: %s", (_what, value) => {
    expect(() => encodeValue(value)).toThrow("cannot encode the bytes at ``");
  });

  test.each([{}, { a: {} }, { 0: 1 }, [{ "0": "x" }], { type: "Buffer" }])(
    "sends %j as JSON, which only looks like bytes",
    (value) => {
      expect(encodeValue(value)).toBe(JSON.stringify(value));
    },
  );

  test.each([
    ["a function", () => 1],
    ["Symbol(a)", Symbol("a")],
  ])("throws for %s", (shown, value) => {
    expect(() => encodeValue(value)).toThrow(`cannot encode ${shown}`);
  });

  test("encodes the result of `toJSON`, whatever else the value holds", () => {
    const model = { bytes: Uint8Array.of(1), self: {}, toJSON: () => ({ id: 1, tags: {} }) };
    model.self = model;
    expect(encodeValue(model)).toBe('{"id":1,"tags":{}}');
    expect(encodeValue({ rows: [model] })).toBe('{"rows":[{"id":1,"tags":{}}]}');
  });

  test("names the path of bytes that `toJSON` returns", () => {
    const model = { toJSON: () => ({ image: Uint8Array.of(1) }) };
    expect(() => encodeValue([model])).toThrow("the bytes at `0.image`");
    expect(() => encodeValue({ image: { toJSON: () => Buffer.from("a") } })).toThrow("the bytes at `image`");
  });

  test("visits a repeated value no more often than JSON does", () => {
    let reads = 0;
    const leaf = {
      get empty() {
        reads++;
        return {};
      },
    };
    encodeValue(Array.from({ length: 100 }, () => leaf));
    // By JSON twice, and once before `toJSON`.
    expect(reads).toBe(300);
  });

  test("throws for a bigint and for a cycle", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(() => encodeValue(1n)).toThrow(TypeError);
    expect(() => encodeValue(cycle)).toThrow(TypeError);
  });
});

describe("decodeValue", () => {
  test("returns what encodeValue encoded, for any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = encodeValue(value) as string;
        expect(decodeValue(1, Buffer.from(text))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("copies bytes that are a small part of a large buffer, and does not copy others", () => {
    const large = Buffer.from(new ArrayBuffer(65_536));
    const small = decodeValue(2, large.subarray(10, 20)) as Uint8Array;
    expect(small.buffer.byteLength).toBe(10);
    expect((decodeValue(2, large) as Uint8Array).buffer).toBe(large.buffer);
  });

  test("throws for malformed JSON and for an unknown codec", () => {
    expect(() => decodeValue(1, Buffer.from("{"))).toThrow(SyntaxError);
    expect(() => decodeValue(4, Buffer.from("1"))).toThrow("unknown codec 4");
  });

  test("throws for bytes that the codec 0 has no meaning for", () => {
    const frame = Buffer.from("0600000000000001000000007b7d", "hex");
    expect(() => decodeValue(0, frame, 12)).toThrow(new TypeError("codec 0 (none) has no payload, got 2 bytes"));
    expect(decodeValue(0, frame, frame.length)).toBeUndefined();
  });

  test("survives a value of 100 000 nested arrays", () => {
    const text = "[".repeat(100_000) + "]".repeat(100_000);
    expect(Array.isArray(decodeValue(1, Buffer.from(text)))).toBe(true);
  });
});

test("a Buffer without utf8Slice decodes the same text from any view", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 40 }), (memory) => {
      const view = memory.subarray(2);
      expect(decodeByBuffer.call(view, 1, view.length)).toBe(textOf(view, 1, view.length));
    }),
  );
});

test("writeText writes any text as UTF-8 behind the bytes before it", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "\x7f", "\x80", "é", "€", "😀", "\ud800") }), (text) => {
      const bytes = Buffer.alloc(3 + Buffer.byteLength(text), 1);
      writeText(bytes, text, 3);
      expect(bytes).toEqual(Buffer.concat([Buffer.alloc(3, 1), Buffer.from(text)]));
    }),
  );
});
