import { assert, integer, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { CountedNonces, NONCE_BYTES } from "./nonce-source.js";

const PREFIX = new Uint8Array(8).fill(0x11);

/** The next `count` nonces, in hex. */
function take(nonces: CountedNonces, count: number): string[] {
  return Array.from({ length: count }, () => {
    const nonce = new Uint8Array(NONCE_BYTES);
    nonces.next(nonce);
    return Buffer.from(nonce).toString("hex");
  });
}

describe("counted nonces", () => {
  test("are the prefix and a big-endian counter from the first number on", () => {
    expect(take(new CountedNonces(PREFIX, 1), 3)).toEqual([
      "111111111111111100000001",
      "111111111111111100000002",
      "111111111111111100000003",
    ]);
    expect(take(new CountedNonces(PREFIX, 0xfe), 3)).toEqual([
      "1111111111111111000000fe",
      "1111111111111111000000ff",
      "111111111111111100000100",
    ]);
    expect(take(new CountedNonces(PREFIX, 0x7fff_ffff), 2)).toEqual([
      "11111111111111117fffffff",
      "111111111111111180000000",
    ]);
  });

  test("start at 0 after a prefix that differs between sources", () => {
    const sources = Array.from({ length: 50 }, () => take(new CountedNonces(), 1)[0] as string);
    expect(sources.every((nonce) => nonce.endsWith("00000000"))).toBe(true);
    expect(new Set(sources).size).toBe(50);
  });

  test("never repeat, for any first number", () => {
    assert(
      property(
        uint8Array({ minLength: 8, maxLength: 8 }),
        integer({ min: 0, max: 0xffff_ffff - 300 }),
        integer({ min: 1, max: 300 }),
        (prefix, first, count) => {
          expect(new Set(take(new CountedNonces(prefix, first), count)).size).toBe(count);
        },
      ),
    );
  });

  test("end after the last counter without wrapping, and stay ended", () => {
    const nonces = new CountedNonces(PREFIX, 0xffff_fffe);
    expect(take(nonces, 2)).toEqual(["1111111111111111fffffffe", "1111111111111111ffffffff"]);
    expect(() => take(nonces, 1)).toThrow(RangeError);
    expect(() => take(nonces, 1)).toThrow("nonces exhausted");
  });

  test("leave the target unchanged when they are used up", () => {
    const nonces = new CountedNonces(PREFIX, 0xffff_ffff);
    take(nonces, 1);
    const target = new Uint8Array(NONCE_BYTES).fill(0xee);
    expect(() => nonces.next(target)).toThrow(RangeError);
    expect(target).toEqual(new Uint8Array(NONCE_BYTES).fill(0xee));
  });

  test("keep their prefix after the caller has overwritten its bytes", () => {
    const prefix = PREFIX.slice();
    const nonces = new CountedNonces(prefix, 1);
    prefix.fill(0xee);
    expect(take(nonces, 1)).toEqual(["111111111111111100000001"]);
  });

  test.each([0, 7, 9, 12])("reject a prefix of %i bytes", (length) => {
    expect(() => new CountedNonces(new Uint8Array(length))).toThrow(
      new RangeError(`prefix: takes 8 bytes, got ${length}`),
    );
  });

  test.each([-1, 0.5, 2 ** 32, Number.NaN, "1"] as number[])("reject the first number %s", (first) => {
    expect(() => new CountedNonces(PREFIX, first)).toThrow(
      new RangeError(`first: takes a whole number of 0 … 4294967295, got ${String(first)}`),
    );
  });
});
