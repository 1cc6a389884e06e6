import { describe, expect, test } from "vitest";
import { decodeMeta, encodeMeta } from "./meta.js";

const meta = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe("meta", () => {
  test("is sent as JSON, and not at all when it is empty", () => {
    expect(Buffer.from(encodeMeta({ tenant: "a" }) ?? []).toString()).toBe('{"tenant":"a"}');
    expect(encodeMeta({})).toBeUndefined();
  });

  test("has at most 4 096 bytes", () => {
    const longest = { a: "x".repeat(4_096 - '{"a":""}'.length) };
    expect(encodeMeta(longest)?.length).toBe(4_096);
    expect(() => encodeMeta({ a: `${longest.a}x` })).toThrow(RangeError);
    expect(() => decodeMeta(meta({ a: `${longest.a}x` }))).toThrow(RangeError);
  });

  test("has only strings, on both sides", () => {
    expect(() => encodeMeta({ a: 1 } as never)).toThrow(new TypeError("`meta.a` takes a string, got 1"));
    expect(() => decodeMeta(meta({ a: {} }))).toThrow(TypeError);
    for (const wrong of [null, [], "x", 1]) expect(() => decodeMeta(meta(wrong))).toThrow(TypeError);
    expect(() => decodeMeta(Buffer.from("{"))).toThrow(SyntaxError);
  });

  test("arrives without a prototype, so that `__proto__` is an ordinary name", () => {
    const decoded = decodeMeta(Buffer.from('{"__proto__":"x","a":"b"}'));
    expect(Object.getPrototypeOf(decoded)).toBeNull();
    expect(Object.keys(decoded)).toEqual(["__proto__", "a"]);
  });
});
