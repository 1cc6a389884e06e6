import { assert, integer, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameError } from "./frame-error.js";
import { assertType, decodeBody, encodeBody } from "./frame-layout.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const NOT_TYPES = [-1, 1.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY, "1", undefined] as number[];

describe("a body", () => {
  // From a conversation recorded with golang-ipc.
  test.each([
    [1, "68656c6c6f", "0000000168656c6c6f"],
    [1, "", "00000001"],
    [2_147_483_647, "6d61782074797065", "7fffffff6d61782074797065"],
    [4_294_967_295, "00", "ffffffff00"],
    [0, "01", "0000000001"],
  ])("with type %i and data %s is encoded as %s", (type, data, body) => {
    expect(encodeBody(type, hex(data))).toEqual(hex(body));
    expect(decodeBody(hex(body))).toEqual({ type, data: hex(data) });
  });

  test("decodes to the encoded message, for any type and data", () => {
    assert(
      property(integer({ min: 0, max: 0xffff_ffff }), uint8Array({ maxLength: 300 }), (type, data) => {
        expect(decodeBody(encodeBody(type, data))).toEqual({ type, data });
      }),
    );
  });

  test("is encoded into new memory", () => {
    const data = hex("aabb");
    const body = encodeBody(1, data);
    data.fill(0);
    expect(body).toEqual(hex("00000001aabb"));
  });

  test("is decoded to a view of its data, without a copy", () => {
    const body = hex("00000001aabb");
    const { data } = decodeBody(body.subarray(0, 5));
    expect(data.buffer).toBe(body.buffer);
    expect([data.byteOffset, data.length]).toEqual([4, 1]);
  });

  test("decodes to a plain Uint8Array when it is a Buffer", () => {
    const { data } = decodeBody(Buffer.from("00000001aabb", "hex"));
    expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
    expect(data).toEqual(hex("aabb"));
  });

  test.each([0, 1, 2, 3])("of %i bytes is rejected, because a type needs 4", (length) => {
    const decode = (): unknown => decodeBody(new Uint8Array(length));
    expect(decode).toThrow(FrameError);
    expect(decode).toThrow(
      expect.objectContaining({
        code: "IPC_FRAME_TOO_SHORT",
        message: expect.stringContaining(`frame too short: body of ${length} bytes, its type needs 4`),
      }),
    );
  });

  test.each(NOT_TYPES)("is not encoded when the type is %s", (type) => {
    expect(() => encodeBody(type, new Uint8Array(0))).toThrow(RangeError);
    expect(() => assertType(type)).toThrow(`type: takes a whole number of 0 … 4294967295, got ${String(type)}`);
  });
});
