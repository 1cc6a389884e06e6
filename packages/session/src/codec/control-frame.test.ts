import { assert, constantFrom, integer, maxSafeNat, oneof, property, record, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { type ControlFrame, decodeControlFrame, encodeControlFrame, type GoawayReason } from "./control-frame.js";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");

const goaway = (reason: GoawayReason, received = 0, taken = 0): ControlFrame => ({
  op: "goaway",
  reason,
  received,
  taken,
});

const FRAMES: readonly (readonly [string, ControlFrame])[] = [
  ["0100000000", { op: "ping", id: 0 }],
  ["01fffefdfc", { op: "ping", id: 0xfffefdfc }],
  ["0200000107", { op: "pong", id: 263 }],
  [`0300${"00".repeat(16)}`, goaway("closing")],
  ["030100000000000000020000000000000001", goaway("draining", 2, 1)],
  [`0302${"00".repeat(16)}`, goaway("busy")],
  ["0303001fffffffffffff0000000100000000", goaway("key withdrawn", Number.MAX_SAFE_INTEGER, 2 ** 32)],
  ["030400000000000000030000000000000002", goaway("leaving", 3, 2)],
  [`04${"00".repeat(16)}`, { op: "ack", received: 0, taken: 0 }],
  ["040000000000000102fffefdfc00000000", { op: "ack", received: 258, taken: 0xfffefdfc_0000_0000 }],
];

describe("a control frame", () => {
  test.each(FRAMES)("%s is encoded, and decoded", (encoded, frame) => {
    expect(hex(encodeControlFrame(frame))).toBe(encoded);
    expect(decodeControlFrame(bytes(encoded))).toEqual(frame);
  });

  test("decodes to its input at any offset in a buffer", () => {
    const count = maxSafeNat();
    const frame = oneof(
      record({ op: constantFrom("ping" as const, "pong" as const), id: integer({ min: 0, max: 0xffff_ffff }) }),
      record({
        op: constantFrom("goaway" as const),
        reason: constantFrom<GoawayReason[]>("closing", "draining", "busy", "key withdrawn", "leaving"),
        received: count,
        taken: count,
      }),
      record({ op: constantFrom("ack" as const), received: count, taken: count }),
    );
    assert(
      property(frame, integer({ min: 0, max: 9 }), (sent, offset) => {
        const data = encodeControlFrame(sent);
        const memory = new Uint8Array(offset + data.length + 3).fill(0xee);
        memory.set(data, offset);
        expect(decodeControlFrame(memory.subarray(offset, offset + data.length))).toEqual(sent);
      }),
    );
  });

  test("is decoded, ignored, or rejected with IPC_RECORD_INVALID for any bytes", () => {
    assert(
      property(uint8Array({ maxLength: 140 }), (data) => {
        const length = { 1: 5, 2: 5, 3: 18, 4: 17, 5: -1, 6: -1 }[data[0] ?? 0];
        const isValid = data.length >= 1 && data.length <= 128 && (length === undefined || length === data.length);
        if (!isValid) {
          expect(() => decodeControlFrame(data)).toThrow(expect.objectContaining({ code: "IPC_RECORD_INVALID" }));
          return;
        }
        const frame = decodeControlFrame(data);
        // A count above 2^53-1 is read inexactly, and is never valid.
        if (frame !== undefined) expect(encodeControlFrame(frame).length).toBe(data.length);
        else expect(length === undefined || (data[1] as number) > 3).toBe(true);
      }),
    );
  });

  test("is rejected when its length from 0 to 140 is not that of its op", () => {
    const taken = (op: number): number[] =>
      Array.from({ length: 141 }, (_, length) => length).filter((length) => {
        const data = new Uint8Array(length);
        if (length > 0) data[0] = op;
        try {
          decodeControlFrame(data);
          return true;
        } catch (error) {
          expect(error).toMatchObject({ code: "IPC_RECORD_INVALID" });
          return false;
        }
      });
    const upTo128 = Array.from({ length: 128 }, (_, index) => index + 1);
    expect([1, 2, 3, 4, 5, 6, 7, 0x7f, 0].map(taken)).toEqual([
      [5],
      [5],
      [18],
      [17],
      [],
      [],
      upTo128,
      upTo128,
      upTo128,
    ]);
  });

  test.each([
    ["empty", "", "data of 0 bytes, expected 1 … 128"],
    ["longer than 128 bytes", `7f${"00".repeat(128)}`, "data of 129 bytes, expected 1 … 128"],
    ["a PING of 4 bytes", "01000000", "PING of 4 bytes, expected 5"],
    ["a PING of 6 bytes", "010000000000", "PING of 6 bytes, expected 5"],
    ["a PONG of 1 byte", "02", "PONG of 1 bytes, expected 5"],
    ["a GOAWAY of 17 bytes", `03${"00".repeat(16)}`, "GOAWAY of 17 bytes, expected 18"],
    ["a GOAWAY of 19 bytes", `03${"00".repeat(18)}`, "GOAWAY of 19 bytes, expected 18"],
    ["an ACK of 16 bytes", `04${"00".repeat(15)}`, "ACK of 16 bytes, expected 17"],
    ["a RESUME", `05${"00".repeat(60)}`, "RESUME or RESUMED outside the handshake"],
    ["a RESUMED", `06${"00".repeat(65)}`, "RESUME or RESUMED outside the handshake"],
    ["a GOAWAY of 17 bytes with an unknown reason", `0305${"00".repeat(15)}`, "GOAWAY of 17 bytes, expected 18"],
  ])("is rejected with the figures when it is %s", (_what, data, message) => {
    expect(() => decodeControlFrame(bytes(data))).toThrow(
      expect.objectContaining({
        code: "IPC_RECORD_INVALID",
        message: `invalid control frame: ${message}; the peer does not speak this protocol`,
      }),
    );
  });

  test.each([
    ["op 0x00", "00"],
    ["op 0x07 of 128 bytes", `07${"ff".repeat(127)}`],
    ["a GOAWAY with the reason 5", `0305${"00".repeat(16)}`],
    ["a GOAWAY with the reason 255", `03ff${"00".repeat(16)}`],
  ])("is ignored when it is unknown: %s", (_what, data) => {
    expect(decodeControlFrame(bytes(data))).toBeUndefined();
  });
});
