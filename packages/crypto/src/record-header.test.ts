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

describe("a record header", () => {
  test.each([
    ["01 000010", RECORD_KIND.auth, 16],
    ["01 000030", RECORD_KIND.auth, 48],
    ["01 000200", RECORD_KIND.auth, 512],
    ["02 000011", RECORD_KIND.data, 17],
    ["02 010203", RECORD_KIND.data, 66_051],
    ["02 040010", RECORD_KIND.data, 262_160],
    ["03 000010", RECORD_KIND.close, 16],
  ])("%s is encoded and decoded as kind %i with a body of %i bytes", (text, kind, length) => {
    expect(decodeRecordHeader(hex(text))).toEqual({ kind, length });
    const target = new Uint8Array(8).fill(0xee);
    writeHeader(target, 2, kind, length);
    expect(target).toEqual(hex(`eeee ${text} eeee`));
  });

  test.each([
    ["01 00000f", "invalid record length: 15 bytes for kind AUTH, expected 16 … 512"],
    ["01 000201", "invalid record length: 513 bytes for kind AUTH, expected 16 … 512"],
    ["01 ffffff", "invalid record length: 16777215 bytes for kind AUTH, expected 16 … 512"],
    ["02 000000", "invalid record length: 0 bytes for kind DATA, expected 17 … 262160"],
    ["02 000010", "invalid record length: 16 bytes for kind DATA, expected 17 … 262160"],
    ["02 040011", "invalid record length: 262161 bytes for kind DATA, expected 17 … 262160"],
    ["02 ffffff", "invalid record length: 16777215 bytes for kind DATA, expected 17 … 262160"],
    ["03 00000f", "invalid record length: 15 bytes for kind CLOSE, expected 16 … 16"],
    ["03 000011", "invalid record length: 17 bytes for kind CLOSE, expected 16 … 16"],
  ])("%s is rejected: its %s", (text, message) => {
    const error = thrownBy(() => decodeRecordHeader(hex(text)));
    expect(error).toBeInstanceOf(CryptoError);
    expect(error).toMatchObject({ code: "IPC_RECORD_INVALID", message: expect.stringContaining(message) });
  });

  test("of an unknown kind is rejected, for any length", () => {
    for (let kind = 0; kind <= 0xff; kind++) {
      if (kind >= 1 && kind <= 3) continue;
      expect(thrownBy(() => decodeRecordHeader(Uint8Array.of(kind, 0, 0, 0x20)))).toMatchObject({
        code: "IPC_RECORD_INVALID",
        message: expect.stringContaining(`unknown record kind: ${kind}, expected 1 (AUTH), 2 (DATA) or 3 (CLOSE)`),
      });
    }
  });

  test.each([
    ["02 000020", RECORD_KIND.auth, "unexpected record: kind 2 (DATA), expected AUTH"],
    ["03 000010", RECORD_KIND.auth, "unexpected record: kind 3 (CLOSE), expected AUTH"],
    ["01 000030", RECORD_KIND.data, "unexpected record: kind 1 (AUTH), expected DATA"],
  ] satisfies [string, RecordKind, string][])(
    "%s is rejected when only kind %i may follow",
    (text, expected, message) => {
      expect(thrownBy(() => decodeRecordHeader(hex(text), expected))).toMatchObject({
        code: "IPC_RECORD_INVALID",
        message: expect.stringContaining(message),
      });
      expect(decodeRecordHeader(hex(text), hex(text)[0] as RecordKind)).toMatchObject({ kind: hex(text)[0] });
    },
  );

  test.each([0, 3, 5])("is rejected when it has %i bytes", (length) => {
    expect(() => decodeRecordHeader(new Uint8Array(length))).toThrow(
      new RangeError(`header: takes 4 bytes, got ${length}`),
    );
  });
});
