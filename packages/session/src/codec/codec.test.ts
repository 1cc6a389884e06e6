import { createSecretKey } from "node:crypto";
import { MessageCipher } from "@ipc/crypto";
import { describe, expect, it, test } from "vitest";
import { recordPair } from "../../test/record-pair.js";
import { LARGE_BYTES, UNCOPIED_FROM_BYTES } from "./codec.js";
import { allocateUnzeroed, GolangIpcCodec, PlainCodec } from "./frame-codec.js";

describe.each([0, 1, 4_095, 4_096, 4_097, 1_048_576])("memory for %i bytes that are all overwritten", (length) => {
  it("has exactly that length", () => {
    expect(allocateUnzeroed(length)).toHaveLength(length);
  });

  it("is a plain Uint8Array, not a Buffer", () => {
    expect(Object.getPrototypeOf(allocateUnzeroed(length))).toBe(Uint8Array.prototype);
  });

  it("owns its whole buffer, and keeps no other memory alive or visible", () => {
    const [memory, other] = [allocateUnzeroed(length), allocateUnzeroed(length)];
    expect([memory.byteOffset, memory.buffer.byteLength]).toEqual([0, length]);
    expect(memory.buffer).not.toBe(other.buffer);
  });
});

const cipher = new MessageCipher(createSecretKey(new Uint8Array(32)));

test.each([
  ["plain", new PlainCodec()],
  ["golang-ipc", new GolangIpcCodec(cipher)],
  ["record", recordPair()[0]],
])("the %s codec adds no more to a frame and its batch than UNCOPIED_FROM_BYTES allows for", (_name, codec) => {
  expect(codec.frameOverhead + codec.headroom + codec.tailroom).toBeLessThanOrEqual(LARGE_BYTES - UNCOPIED_FROM_BYTES);
});
