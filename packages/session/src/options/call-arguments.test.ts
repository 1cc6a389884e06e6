import { describe, expect, test } from "vitest";
import type { CloseOptions } from "../peer.js";
import { isPlainWrite, validateCloseOptions, validateDelay, validateWrite } from "./call-arguments.js";

const data = (length: number): Uint8Array => new Uint8Array(length);

const detached = data(3);
structuredClone(detached, { transfer: [detached.buffer as ArrayBuffer] });

/** Values of each kind, valid and invalid. */
const TYPES = [1, 4_294_967_295, 0, -0, -1, 1.5, 4_294_967_296, Number.NaN, "1", null, undefined, 1n, Symbol("1"), {}];
const BARE: unknown = Object.create(null);
const DATA = [
  data(1),
  data(1_024),
  Buffer.from("x"),
  data(1_025),
  data(0),
  detached,
  new Uint16Array(1),
  "x",
  null,
  {},
];

describe("a message with bytes", () => {
  test.each([...TYPES, BARE])("of the type %o is a plain write exactly if it is valid", (type) => {
    for (const bytes of DATA) {
      const hasBytes = bytes instanceof Uint8Array && bytes.length > 0;
      expect(isPlainWrite(type, bytes, 1_024)).toBe(hasBytes && validateWrite(type, bytes, 1_024) === undefined);
    }
  });
});

describe("a message to be written", () => {
  test.each([1, 2_147_483_648, 4_294_967_295])("may have the type %i", (type) => {
    expect(validateWrite(type, data(0), 1_024)).toBeUndefined();
  });

  test.each([
    ["1", '"1"'],
    [undefined, "undefined"],
    [null, "null"],
    [1n, "1"],
    [{}, "an object"],
  ])("is rejected when its type is %s instead of a number", (type, shown) => {
    expect(validateWrite(type, data(0), 1_024)).toEqual(new TypeError(`write: \`type\` takes a number, got ${shown}`));
  });

  test.each([-1, 1.5, 4_294_967_296, Number.NaN, Number.POSITIVE_INFINITY])("is rejected with the type %s", (type) => {
    expect(validateWrite(type, data(0), 1_024)).toEqual(
      new RangeError(`write: \`type\` takes a whole number, 1 … 4294967295, got ${type}`),
    );
  });

  test("is rejected when the buffer of its data was transferred, and accepted with empty data", () => {
    const bytes = data(3);
    structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
    expect(validateWrite(1, bytes, 1_024)).toEqual(
      new TypeError(
        "write: `data` is detached, because its buffer was transferred; pass a copy, or await the write before",
      ),
    );
    expect(validateWrite(1, data(0), 1_024)).toBeUndefined();
    expect(validateWrite(1, Buffer.from(""), 1_024)).toBeUndefined();
  });

  test("is rejected with the type 0, because that is reserved (golang-ipc: TestWrite)", () => {
    expect(validateWrite(0, data(0), 1_024)).toEqual(
      new RangeError("write: message type 0 is reserved; `type` takes a whole number, 1 … 4294967295, got 0"),
    );
  });

  test("may be a Buffer", () => {
    expect(validateWrite(1, Buffer.from("hello"), 1_024)).toBeUndefined();
  });

  test.each([
    [undefined, "undefined"],
    [null, "null"],
    [7, "7"],
    [{}, "an object"],
    [[1], "an array"],
    [new ArrayBuffer(1), "an object"],
    [new Uint16Array(1), "an object"],
    [new DataView(new ArrayBuffer(1)), "an object"],
  ])("is rejected when its data is %o", (wrong, shown) => {
    expect(validateWrite(1, wrong, 1_024)).toEqual(
      new TypeError(`write: \`data\` takes a string or a Uint8Array, got ${shown}`),
    );
  });

  test("is accepted up to the agreed size, and rejected one byte above", () => {
    expect(validateWrite(1, data(1_024), 1_024)).toBeUndefined();
    expect(validateWrite(1, data(1_025), 1_024)).toMatchObject({
      name: "SessionError",
      code: "IPC_MESSAGE_TOO_LARGE",
      message: expect.stringContaining("message too large: 1025 bytes, limit 1024"),
    });
  });
});

describe("a delay", () => {
  test.each([0, 0.5, 2_147_483_647])("may be %s ms", (ms) => {
    expect(validateDelay("readTimed: `ms`", ms)).toBeUndefined();
  });

  test.each([-1, 2_147_483_648, Number.NaN, Number.POSITIVE_INFINITY])("may not be %s ms", (ms) => {
    expect(validateDelay("readTimed: `ms`", ms)).toEqual(
      new RangeError(`readTimed: \`ms\` takes milliseconds, 0 … 2147483647, got ${ms}`),
    );
  });

  test.each([
    ["5", '"5"'],
    [null, "null"],
    [undefined, "undefined"],
  ])("is rejected when it is %s instead of a number", (ms, shown) => {
    expect(validateDelay("readTimed: `ms`", ms)).toEqual(
      new TypeError(`readTimed: \`ms\` takes milliseconds, 0 … 2147483647, got ${shown}`),
    );
  });
});

describe("the options of close", () => {
  test.each([{}, { timeoutMs: 0 }, { timeoutMs: undefined }] as CloseOptions[])("may be %o", (options) => {
    expect(validateCloseOptions(options)).toBeUndefined();
  });

  test.each([
    [null, "null"],
    [5, "5"],
    ["now", '"now"'],
  ])("are rejected when they are %s instead of an object", (options, shown) => {
    expect(validateCloseOptions(options as unknown as CloseOptions)).toEqual(
      new TypeError(`close: takes an object of options, got ${shown}`),
    );
  });

  test("are rejected when a timer cannot hold their timeoutMs", () => {
    expect(validateCloseOptions({ timeoutMs: -1 })).toEqual(
      new RangeError("close: `timeoutMs` takes milliseconds, 0 … 2147483647, got -1"),
    );
    expect(validateCloseOptions({ timeoutMs: "1" } as unknown as CloseOptions)).toBeInstanceOf(TypeError);
  });
});
