import { describe, expect, it } from "vitest";
import { allocateUnzeroed } from "./codec.js";

describe.each([0, 1, 4_095, 4_096, 4_097, 1_048_576])("memory for %i bytes that are all overwritten", (length) => {
  it("has exactly that length", () => {
    expect(allocateUnzeroed(length)).toHaveLength(length);
  });

  it("is seen through a plain Uint8Array, no Buffer", () => {
    expect(Object.getPrototypeOf(allocateUnzeroed(length))).toBe(Uint8Array.prototype);
  });

  it("is all there is in its buffer: nobody else's memory is kept alive, or shows", () => {
    const [memory, other] = [allocateUnzeroed(length), allocateUnzeroed(length)];
    expect([memory.byteOffset, memory.buffer.byteLength]).toEqual([0, length]);
    expect(memory.buffer).not.toBe(other.buffer);
  });
});
