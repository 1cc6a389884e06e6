import { expect, it } from "vitest";
import { decodeNumbered, encodeNumbered, NUMBERED_HEADER_BYTES, type Numbered, typeOf } from "./message.js";

const message: Numbered = { seed: 77, from: "server", connection: 3, number: 12, kind: "answer", asked: 5 };

it.each([undefined, NUMBERED_HEADER_BYTES, 100, 100_000])("decodes what was encoded in %s bytes", (size) => {
  const bytes = encodeNumbered(message, size);
  expect(bytes).toHaveLength(size ?? NUMBERED_HEADER_BYTES);
  expect(decodeNumbered(typeOf(12), bytes)).toEqual(message);
});

it("rejects a message with one altered bit", () => {
  const bytes = encodeNumbered(message, 60);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const altered = Uint8Array.from(bytes);
    altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => decodeNumbered(typeOf(12), altered)).toThrow("checksum");
  }
});

it("rejects a truncated message, a longer one, and another type", () => {
  const bytes = encodeNumbered(message, 60);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeNumbered(typeOf(12), bytes.subarray(0, length))).toThrow("a message of");
  }
  expect(() => decodeNumbered(typeOf(12), Buffer.concat([bytes, bytes]))).toThrow("checksum");
  expect(() => decodeNumbered(typeOf(13), bytes)).toThrow("it was sent as");
});

it("gives types that may be sent", () => {
  const types = Array.from({ length: 10_000 }, (_, number) => typeOf(number));
  expect(new Set(types).size).toBe(10_000);
  expect(Math.min(...types)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...types)).toBeLessThan(2 ** 32);
});
