import { describe, expect, it } from "vitest";
import { decodeResume, decodeResumed, encodeResume, encodeResumed } from "./resume-frame.js";

const session = Uint8Array.from({ length: 16 }, (_each, index) => 0xa0 + index);
const ID = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
const proof = new Uint8Array(32).fill(0xee);
const PROOF = "ee".repeat(32);

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const invalid = expect.objectContaining({ code: "IPC_RECORD_INVALID" });

describe("RESUME", () => {
  const frame = { session, attempt: 0x01020304, received: 0x05_0607_0809 };
  const encoded = `05${ID}010203040000000506070809`;

  it("is 05, the session, the attempt and the messages received, before its proof", () => {
    expect(hex(encodeResume(frame))).toBe(encoded);
    expect(decodeResume(bytes(encoded + PROOF))).toEqual({ frame, proved: bytes(encoded), proof });
  });

  it.each([0, 1, 60, 62, 128])("is rejected with a length of %i", (length) => {
    const data = new Uint8Array(length);
    if (length > 0) data[0] = 5;
    expect(() => decodeResume(data)).toThrow(invalid);
  });

  it("is rejected with another op", () => {
    expect(() => decodeResume(bytes(`04${ID}010203040000000506070809${PROOF}`))).toThrow(invalid);
  });
});

describe("RESUMED", () => {
  it.each([
    ["00", "resumed"],
    ["01", "unknown"],
    ["02", "expired"],
    ["03", "refused"],
  ] as const)("is 06, %s for %s, the session and the counts, before its proof", (number, how) => {
    const frame = { how, session, received: 258, taken: 257 };
    const encoded = `06${number}${ID}00000000000001020000000000000101`;
    expect(hex(encodeResumed(frame))).toBe(encoded);
    expect(decodeResumed(bytes(encoded + PROOF))).toEqual({ frame, proved: bytes(encoded), proof });
  });

  it("is rejected with an unknown answer, another length or another op", () => {
    const rest = `${ID}${"00".repeat(16)}${PROOF}`;
    for (const data of [`0604${rest}`, `06ff${rest}`, `0600${rest}00`, `0500${rest}`, "06"])
      expect(() => decodeResumed(bytes(data))).toThrow(invalid);
  });
});
