import { describe, expect, test } from "vitest";
import { CryptoError } from "./crypto-error.js";
import { decodeRecordHeader, RECORD_KIND, type RecordKind, writeHeader } from "./record-header.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

function thrownBy(take: () => unknown): unknown {
  try {
    take();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a header", () => {
  test.each([
    ["01 000010", RECORD_KIND.auth, 16],
    ["01 000030", RECORD_KIND.auth, 48],
    ["01 000200", RECORD_KIND.auth, 512],
    ["02 000011", RECORD_KIND.data, 17],
    ["02 010203", RECORD_KIND.data, 66_051],
    ["02 040010", RECORD_KIND.data, 262_160],
    ["03 000010", RECORD_KIND.close, 16],
  ])("%s is kind %i with %i bytes to come, in both directions", (text, kind, length) => {
    expect(decodeRecordHeader(hex(text))).toEqual({ kind, length });
    const target = new Uint8Array(8).fill(0xee);
    writeHeader(target, 2, kind, length);
    expect(target).toEqual(hex(`eeee ${text} eeee`));
  });

  test.each([
    ["01 00000f", "kind AUTH has a length of 15 bytes, 16 … 512 are allowed"],
    ["01 000201", "kind AUTH has a length of 513 bytes, 16 … 512 are allowed"],
    ["01 ffffff", "kind AUTH has a length of 16777215 bytes, 16 … 512 are allowed"],
    ["02 000000", "kind DATA has a length of 0 bytes, 17 … 262160 are allowed"],
    ["02 000010", "kind DATA has a length of 16 bytes, 17 … 262160 are allowed"],
    ["02 040011", "kind DATA has a length of 262161 bytes, 17 … 262160 are allowed"],
    ["02 ffffff", "kind DATA has a length of 16777215 bytes, 17 … 262160 are allowed"],
    ["03 00000f", "kind CLOSE has a length of 15 bytes, 16 … 16 are allowed"],
    ["03 000011", "kind CLOSE has a length of 17 bytes, 16 … 16 are allowed"],
  ])("%s is refused: its %s", (text, message) => {
    const error = thrownBy(() => decodeRecordHeader(hex(text)));
    expect(error).toBeInstanceOf(CryptoError);
    expect(error).toMatchObject({ code: "IPC_RECORD_INVALID", message: expect.stringContaining(message) });
  });

  test("of any other kind is refused, whatever its length", () => {
    for (let kind = 0; kind <= 0xff; kind++) {
      if (kind >= 1 && kind <= 3) continue;
      expect(thrownBy(() => decodeRecordHeader(Uint8Array.of(kind, 0, 0, 0x20)))).toMatchObject({
        code: "IPC_RECORD_INVALID",
        message: expect.stringContaining(`a record of kind ${kind} came, 1 (AUTH), 2 (DATA) or 3 (CLOSE) is expected`),
      });
    }
  });

  test.each([
    ["02 000020", RECORD_KIND.auth, "kind 2 (DATA) came where AUTH is expected"],
    ["03 000010", RECORD_KIND.auth, "kind 3 (CLOSE) came where AUTH is expected"],
    ["01 000030", RECORD_KIND.data, "kind 1 (AUTH) came where DATA is expected"],
  ] satisfies [string, RecordKind, string][])(
    "%s is refused where only kind %i may come",
    (text, expected, message) => {
      expect(thrownBy(() => decodeRecordHeader(hex(text), expected))).toMatchObject({
        code: "IPC_RECORD_INVALID",
        message: expect.stringContaining(message),
      });
      expect(decodeRecordHeader(hex(text), hex(text)[0] as RecordKind)).toMatchObject({ kind: hex(text)[0] });
    },
  );

  test.each([0, 3, 5])("is not %i bytes", (length) => {
    expect(() => decodeRecordHeader(new Uint8Array(length))).toThrow(
      new RangeError(`header: takes 4 bytes, got ${length}`),
    );
  });
});
