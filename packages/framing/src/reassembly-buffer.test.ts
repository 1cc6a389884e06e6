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
    for (const piece of [Uint8Array.of(), Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)])
      assembly.add(piece, 3);
    expect(assembly.length).toBe(3);
    expect(assembly.take()).toEqual(Uint8Array.of(1, 2, 3));
    expect(assembly.length).toBe(0);
    assembly.add(Uint8Array.of(4), 1);
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
        const joined = Buffer.concat(pieces);
        for (const each of pieces) assembly.add(each, joined.length);
        expect(assembly.length).toBe(joined.length);
        expect(joined.equals(assembly.take())).toBe(true);
      }),
    );
  });

  test("copies small pieces, so that their buffers can be reused at once", () => {
    const assembly = new ReassemblyBuffer(dirty);
    const small = piece(4_095, 1);
    assembly.add(small, 8_190);
    assembly.add(small, 8_190);
    small.fill(0);
    const expected = Buffer.concat([piece(4_095, 1), piece(4_095, 1)]);
    expect(Buffer.from(assembly.take()).equals(expected)).toBe(true);
  });

  test("returns new memory even for one large piece", () => {
    const assembly = new ReassemblyBuffer(dirty);
    const large = piece(4_096, 1);
    assembly.add(large, 4_097);
    assembly.add(Uint8Array.of(1), 4_097);
    expect(assembly.take().buffer).not.toBe(large.buffer);
  });

  test("allocates exactly the frame: a small one with its first piece, others only when they are taken", () => {
    const asked: number[] = [];
    const assembly = new ReassemblyBuffer((bytes) => {
      asked.push(bytes);
      return dirty(bytes);
    });
    for (const length of [3, 4_096, 300]) assembly.add(piece(length, 1), 4_399);
    expect(asked).toEqual([]);
    assembly.take();
    assembly.add(piece(4_090, 1), 4_096);
    expect(asked).toEqual([4_399, 4_096]);
    assembly.add(piece(6, 1), 4_096);
    assembly.take();
    expect(asked).toEqual([4_399, 4_096]);
  });

  test.each([
    ["4096 bytes, with its first piece", 4_096, (assembly: ReassemblyBuffer) => assembly.add(piece(4_000, 1), 4_096)],
    ["4097 bytes, when it is taken", 4_097, (assembly: ReassemblyBuffer) => assembly.take()],
  ])(
    "throws a RangeError and keeps its pieces when allocate returns a wrong size for a frame of %s",
    (_what, length, ask) => {
      for (const wrong of [-1, 1, -length]) {
        let given = length + wrong;
        const assembly = new ReassemblyBuffer(() => dirty(given));
        if (length > 4_096) {
          assembly.add(piece(4_000, 1), length);
          assembly.add(piece(length - 4_000, 2), length);
        }
        const { length: before } = assembly;
        const message = `allocate: returned ${given} bytes, requested ${length}`;
        expect(() => ask(assembly)).toThrow(new RangeError(message));
        expect(assembly.length).toBe(before);
        given = length;
        if (length <= 4_096) {
          assembly.add(piece(4_000, 1), length);
          assembly.add(piece(length - 4_000, 2), length);
        }
        const expected = Buffer.concat([piece(4_000, 1), piece(length - 4_000, 2)]);
        expect(Buffer.from(assembly.take()).equals(expected)).toBe(true);
      }
    },
  );

  test("absorbs pieces from half of the frame on, in memory that it allocates then", () => {
    const asked: number[] = [];
    const assembly = new ReassemblyBuffer((bytes) => {
      asked.push(bytes);
      return dirty(bytes);
    });
    expect(assembly.absorb(piece(5_000, 1), 10_000)).toBe(false);
    assembly.add(piece(4_999, 1), 10_000);
    expect([assembly.absorb(piece(1, 2), 10_000), asked, assembly.length]).toEqual([false, [], 4_999]);
    assembly.add(piece(1, 2), 10_000);
    const absorbed = piece(3_000, 3);
    expect([assembly.absorb(absorbed, 10_000), asked, assembly.length]).toEqual([true, [10_000], 8_000]);
    absorbed.fill(0);
    assembly.add(piece(2_000, 4), 10_000);
    const expected = Buffer.concat([piece(4_999, 1), piece(1, 2), piece(3_000, 3), piece(2_000, 4)]);
    expect(Buffer.from(assembly.take()).equals(expected)).toBe(true);
    expect(asked).toEqual([10_000]);
  });

  test("gives each piece free when it has copied it, and does not read it again", () => {
    const freed: number[] = [];
    const free = (memory: Uint8Array): void => {
      freed.push(memory.length);
      structuredClone(memory.buffer, { transfer: [memory.buffer as ArrayBuffer] });
    };
    const assembly = new ReassemblyBuffer(dirty, free);
    const pieces = [5_000, 6_100, 7_000, 4_100].map(piece);
    const joined = Buffer.concat(pieces);
    const [first, second, third, last] = pieces as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    assembly.add(first, joined.length);
    assembly.add(second, joined.length);
    expect(freed).toEqual([]);
    assembly.absorb(third, joined.length);
    assembly.add(last, joined.length);
    expect([assembly.length, freed]).toEqual([22_200, [5_000, 6_100, 7_000, 4_100]]);
    expect(joined.equals(assembly.take())).toBe(true);
  });

  test("gives a piece back that it cannot allocate for, keeps small pieces together, and allocates again for the next", () => {
    const asked: number[] = [];
    let isFull = true;
    const assembly = new ReassemblyBuffer((bytes) => {
      asked.push(bytes);
      if (isFull) throw new RangeError("Array buffer allocation failed");
      return dirty(bytes);
    });
    assembly.add(piece(5_000, 1), 10_000);
    for (const seed of [2, 3]) {
      expect([assembly.absorb(piece(100, seed), 10_000), assembly.length]).toEqual([false, 4_900 + seed * 100 - 100]);
      assembly.add(piece(100, seed), 10_000);
    }
    isFull = false;
    expect([assembly.absorb(piece(4_000, 4), 10_000), assembly.length]).toEqual([true, 9_200]);
    assembly.add(piece(800, 5), 10_000);
    const expected = [
      [5_000, 1],
      [100, 2],
      [100, 3],
      [4_000, 4],
      [800, 5],
    ].map(([length, seed]) => piece(length as number, seed as number));
    expect(Buffer.from(assembly.take()).equals(Buffer.concat(expected))).toBe(true);
    expect(asked).toEqual([10_000, 10_000, 10_000]);
  });
});
