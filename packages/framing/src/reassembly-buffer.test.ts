import { array, assert, integer, oneof, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { ReassemblyBuffer } from "./reassembly-buffer.js";

/** Fills memory as if it was not zeroed. */
const dirty = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xff);

/** `length` bytes that differ from piece to piece. */
function piece(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + seed * 31) & 0xff);
}

describe("a reassembly buffer", () => {
  test("returns the pieces joined in order, and is empty afterwards", () => {
    const assembly = new ReassemblyBuffer(dirty);
    assembly.add(Uint8Array.of(1, 2));
    assembly.add(Uint8Array.of());
    assembly.add(Uint8Array.of(3));
    expect(assembly.length).toBe(3);
    expect(assembly.take()).toEqual(Uint8Array.of(1, 2, 3));
    expect(assembly.length).toBe(0);
    assembly.add(Uint8Array.of(4));
    expect(assembly.take()).toEqual(Uint8Array.of(4));
    expect(assembly.take()).toEqual(new Uint8Array(0));
  });

  test("joins pieces of every size, for one frame after another", () => {
    const size = oneof(
      integer({ min: 0, max: 300 }),
      integer({ min: 4_090, max: 4_100 }),
      integer({ min: 0, max: 70_000 }),
    );
    const assembly = new ReassemblyBuffer(dirty);
    assert(
      property(array(size, { maxLength: 12 }), (sizes) => {
        const pieces = sizes.map(piece);
        for (const each of pieces) assembly.add(each);
        const joined = Buffer.concat(pieces);
        expect(assembly.length).toBe(joined.length);
        expect(joined.equals(assembly.take())).toBe(true);
      }),
    );
  });

  test("copies small pieces, so that their buffers can be reused at once", () => {
    const assembly = new ReassemblyBuffer(dirty);
    const small = piece(4_095, 1);
    assembly.add(small);
    small.fill(0);
    expect(Buffer.from(assembly.take()).equals(piece(4_095, 1))).toBe(true);
  });

  test("returns new memory even for one large piece", () => {
    const assembly = new ReassemblyBuffer(dirty);
    const large = piece(4_096, 1);
    assembly.add(large);
    expect(assembly.take().buffer).not.toBe(large.buffer);
  });

  test("allocates exactly the bytes it holds, and only when they are taken", () => {
    const asked: number[] = [];
    const assembly = new ReassemblyBuffer((bytes) => {
      asked.push(bytes);
      return dirty(bytes);
    });
    for (const length of [3, 4_096, 300]) assembly.add(piece(length, 1));
    expect(asked).toEqual([]);
    assembly.take();
    assembly.add(piece(5, 1));
    assembly.take();
    expect(asked).toEqual([4_399, 5]);
  });

  test.each([2, 4, 0])("throws a RangeError and keeps its pieces when allocate returns %i bytes for 3", (given) => {
    let length = given;
    const assembly = new ReassemblyBuffer(() => dirty(length));
    assembly.add(Uint8Array.of(1, 2, 3));
    expect(() => assembly.take()).toThrow(new RangeError(`allocate: returned ${given} bytes, requested 3`));
    expect(assembly.length).toBe(3);
    length = 3;
    expect(assembly.take()).toEqual(Uint8Array.of(1, 2, 3));
  });
});
