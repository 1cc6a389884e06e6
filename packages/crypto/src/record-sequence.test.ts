import { createSecretKey } from "node:crypto";
import { assert, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { CryptoError } from "./crypto-error.js";
import type { TrafficKeys } from "./key-schedule.js";
import { RECORD_KIND } from "./record-header.js";
import { type RecordCipherOptions, RecordSequence, writeNonce } from "./record-sequence.js";

const { auth, data, close } = RECORD_KIND;
const KEYS: TrafficKeys = { key: createSecretKey(new Uint8Array(32)), iv: new Uint8Array(12).fill(0xf0) };

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function nonceOf(seq: number, iv = "000000000000000000000000"): string {
  const nonce = new Uint8Array(12);
  writeNonce(nonce, Buffer.from(iv, "hex"), seq);
  return hexOf(nonce);
}

/** The key and nonce of the first `count` records, in hex. */
function pairsOf(count: number, options: RecordCipherOptions): string[] {
  const sequence = new RecordSequence(KEYS, options);
  return Array.from({ length: count }, () => {
    sequence.advance(data);
    return `${hexOf(sequence.key.export())} ${hexOf(sequence.nonce)}`;
  });
}

describe("a record nonce", () => {
  test.each([
    [0, "000000000000000000000000"],
    [1, "000000000000000000000001"],
    [0xff, "0000000000000000000000ff"],
    [0x100, "000000000000000000000100"],
    [0x8000_0000, "000000000000000080000000"],
    [0xffff_ffff, "0000000000000000ffffffff"],
    [0x1_0000_0000, "000000000000000100000000"],
    [0x1234_5678_9abc, "000000000000123456789abc"],
    [2 ** 48 - 1, "000000000000ffffffffffff"],
  ])("of record %i ends with its number in eight bytes", (seq, nonce) => {
    expect(nonceOf(seq)).toBe(nonce);
  });

  test("is the number XOR the iv", () => {
    expect(nonceOf(0, "f57d96661623908043761b5d")).toBe("f57d96661623908043761b5d");
    expect(nonceOf(0x0102_0304_0506, "ffffffffffffffffffffffff")).toBe("fffffffffffffefdfcfbfaf9");
  });
});

describe("a record sequence", () => {
  test("counts from 0 under the iv", () => {
    const nonces = pairsOf(3, {}).map((pair) => pair.split(" ")[1]);
    expect(nonces).toEqual(["f0f0f0f0f0f0f0f0f0f0f0f0", "f0f0f0f0f0f0f0f0f0f0f0f1", "f0f0f0f0f0f0f0f0f0f0f0f2"]);
  });

  test("keeps its iv after the caller has overwritten the bytes", () => {
    const iv = KEYS.iv.slice();
    const sequence = new RecordSequence({ key: KEYS.key, iv }, {});
    iv.fill(0);
    sequence.advance(auth);
    expect(hexOf(sequence.nonce)).toBe("f0".repeat(12));
  });

  test("rekeys before every number that is a multiple of the interval, except 0", () => {
    const keys = pairsOf(10, { rekeyInterval: 3 }).map((pair) => pair.split(" ")[0]);
    const changes = keys.flatMap((key, seq) => (seq > 0 && key !== keys[seq - 1] ? [seq] : []));
    expect(changes).toEqual([3, 6, 9]);
    expect(keys[0]).toBe("00".repeat(32));
  });

  test("rekeys first before number 2^20 by default", () => {
    const sequence = new RecordSequence(KEYS, {});
    for (let seq = 0; seq < 2 ** 20; seq++) sequence.advance(data);
    expect(sequence.key).toBe(KEYS.key);
    sequence.advance(data);
    expect(sequence.key).not.toBe(KEYS.key);
  });

  test("uses no key and nonce twice, at any interval", () => {
    assert(
      property(integer({ min: 1, max: 40 }), integer({ min: 1, max: 200 }), (rekeyInterval, count) => {
        expect(new Set(pairsOf(count, { rekeyInterval })).size).toBe(count);
      }),
    );
  });

  test("accepts AUTH first and once, and no record after CLOSE", () => {
    const sequence = new RecordSequence(KEYS, {});
    expect([auth, data, close].map((kind) => sequence.rejectReason(kind))).toEqual([
      undefined,
      "the first record must be AUTH",
      "the first record must be AUTH",
    ]);
    sequence.advance(auth);
    expect([auth, data, close].map((kind) => sequence.rejectReason(kind))).toEqual([
      "only the first record may be AUTH",
      undefined,
      undefined,
    ]);
    sequence.advance(close);
    for (const kind of [auth, data, close]) expect(sequence.rejectReason(kind)).toBe("no record may follow CLOSE");
  });

  test("ends at its limit, and stays ended", () => {
    const sequence = new RecordSequence(KEYS, { recordLimit: 2 });
    sequence.advance(auth);
    sequence.advance(data);
    const before = hexOf(sequence.nonce);
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(() => sequence.advance(data)).toThrow(CryptoError);
      expect(() => sequence.advance(data)).toThrow("cipher exhausted: 2 records in this direction");
    }
    expect(hexOf(sequence.nonce)).toBe(before);
    expect(sequence.next).toBe(2);
  });

  test.each(["rekeyInterval", "recordLimit"])("rejects a %s that is not an integer from 1 to 2^48", (name) => {
    for (const value of [0, -1, 1.5, 2 ** 48 + 1, Number.NaN, Number.POSITIVE_INFINITY, "2"]) {
      expect(() => new RecordSequence(KEYS, { [name]: value })).toThrow(
        new RangeError(`${name}: takes a whole number of 1 … 281474976710656, got ${String(value)}`),
      );
    }
    expect(() => new RecordSequence(KEYS, { [name]: 2 ** 48 })).not.toThrow();
  });

  test.each([0, 11, 13])("rejects an iv of %i bytes", (length) => {
    expect(() => new RecordSequence({ key: KEYS.key, iv: new Uint8Array(length) }, {})).toThrow(
      new RangeError(`iv: takes 12 bytes, got ${length}`),
    );
  });
});
