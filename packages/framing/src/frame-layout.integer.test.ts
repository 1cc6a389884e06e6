import { assert, integer, nat, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { readUint32, UINT32_BYTES, UINT32_MAX, writeUint32 } from "./frame-layout.js";

const uint32 = integer({ min: 0, max: UINT32_MAX });

const SAMPLES: readonly [value: number, bytes: readonly number[]][] = [
  [0, [0x00, 0x00, 0x00, 0x00]],
  [1, [0x00, 0x00, 0x00, 0x01]],
  [3_145_728, [0x00, 0x30, 0x00, 0x00]],
  [0x0102_0304, [0x01, 0x02, 0x03, 0x04]],
  [0x7fff_ffff, [0x7f, 0xff, 0xff, 0xff]],
  [0x8000_0000, [0x80, 0x00, 0x00, 0x00]],
  [0xffff_ffff, [0xff, 0xff, 0xff, 0xff]],
];

describe("a u32 on the wire", () => {
  test.each(SAMPLES)("%i is four bytes in big-endian order", (value, bytes) => {
    const written = new Uint8Array(UINT32_BYTES);
    writeUint32(written, 0, value);
    expect([...written]).toEqual(bytes);
    expect(readUint32(Uint8Array.from(bytes), 0)).toBe(value);
  });

  test("is read and written as DataView does, over the full range and at every offset", () => {
    assert(
      property(uint32, nat(20), uint8Array({ minLength: 24, maxLength: 24 }), (value, offset, bytes) => {
        const expected = bytes.slice();
        new DataView(expected.buffer).setUint32(offset, value);
        writeUint32(bytes, offset, value);
        // Whole arrays: the neighbours are untouched.
        expect(bytes).toEqual(expected);
        expect(readUint32(bytes, offset)).toBe(value);
      }),
    );
  });

  test("is never read as a negative number, for any four bytes", () => {
    assert(
      property(uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        expect(readUint32(bytes, 0)).toBe(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
      }),
    );
  });
});
