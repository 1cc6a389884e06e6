import { assert, integer, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeBody,
  encodeFrame,
  encodeMessage,
  LENGTH_BYTES,
  MESSAGE_HEADER_BYTES,
  writeMessageHeader,
} from "./frame-layout.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

describe("a frame", () => {
  test("is encoded as the body's length, then the body", () => {
    expect(encodeFrame(hex("aabbcc"))).toEqual(hex("00000003aabbcc"));
    expect(encodeFrame(hex(""))).toEqual(hex("00000000"));
    expect(encodeFrame(new Uint8Array(65_537)).subarray(0, 4)).toEqual(hex("00010001"));
  });

  test("is encoded into new memory", () => {
    const body = hex("aabbcc");
    const frame = encodeFrame(body);
    body.fill(0);
    expect(frame).toEqual(hex("00000003aabbcc"));
  });
});

describe("a message", () => {
  // From a conversation recorded with golang-ipc.
  test.each([
    [1, "68656c6c6f", "000000090000000168656c6c6f"],
    [1, "", "0000000400000001"],
    [2_147_483_647, "6d61782074797065", "0000000c7fffffff6d61782074797065"],
  ])("with type %i and data %s is encoded as %s", (type, data, frame) => {
    expect(encodeMessage(type, hex(data))).toEqual(hex(frame));
  });

  test("is encoded as the frame of its body, for any type and data", () => {
    assert(
      property(integer({ min: 0, max: 0xffff_ffff }), uint8Array({ maxLength: 300 }), (type, data) => {
        expect(encodeMessage(type, data)).toEqual(encodeFrame(encodeBody(type, data)));
      }),
    );
  });

  test("is encoded into new memory", () => {
    const data = hex("aabb");
    const frame = encodeMessage(1, data);
    data.fill(0);
    expect(frame).toEqual(hex("0000000600000001aabb"));
  });

  test.each([-1, 0.5, 2 ** 32, Number.NaN])("is not encoded when the type is %s", (type) => {
    expect(() => encodeMessage(type, new Uint8Array(0))).toThrow(RangeError);
  });
});

test("writes a message header of eight bytes at its offset, and changes no other byte", () => {
  const target = new Uint8Array(12).fill(0xee);
  writeMessageHeader(target, 2, 0x8000_0001, 0x0102);
  expect(target).toEqual(hex("eeee0000010680000001eeee"));
  expect([LENGTH_BYTES, MESSAGE_HEADER_BYTES]).toEqual([4, 8]);
});
