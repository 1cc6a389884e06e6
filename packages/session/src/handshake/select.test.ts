import { describe, expect, test } from "vitest";
import type { SecurityOffer } from "../negotiation/offer.js";
import { decodeMode, encodeSelect, receiveSelect } from "./select.js";

describe("a select", () => {
  const offer = (accept: number, require: number, refusesCompatible: boolean) => ({
    accept,
    require,
    refusesCompatible,
  });

  test("encodes to 80 + mode, the features, two zero bytes and the client's limit", () => {
    const encoded = encodeSelect({ mode: 5, features: 1, maxMessageSize: 0x12345678 });
    expect(Buffer.from(encoded).toString("hex")).toBe("850001000012345678");
  });

  test("encodes to the byte 00 for golang-ipc's protocol", () => {
    expect(encodeSelect(undefined)).toEqual(Uint8Array.of(0));
  });

  /** The meaning of every byte to a server, by the rules of docs/WIRE.md. */
  test("is accepted, ignored or rejected for every byte against every offer", () => {
    for (let accept = 0; accept < 8; accept++) {
      for (let require = 0; require < 8; require++) {
        if ((require & ~accept) !== 0) continue;
        for (const refuses of [true, false]) {
          for (let select = 0; select < 256; select++) {
            const outcome = outcomeOf(() => decodeMode(select, offer(accept, require, refuses)));
            const mode = select & 7;
            if (select < 0x80) expect(outcome).toBe(refuses ? "IPC_SECURITY_REFUSED" : undefined);
            else if ((select & 0x78) !== 0 || (mode | accept) !== accept) expect(outcome).toBe("IPC_HANDSHAKE_FAILED");
            else if ((mode & require) !== require) expect(outcome).toBe("IPC_SECURITY_REFUSED");
            else expect(outcome).toBe(mode);
          }
        }
      }
    }
  });

  test.each([
    [0x00, offer(1, 1, true), "it selected golang-ipc's protocol, and `security.require` demands a secure session"],
    [
      0x80,
      offer(7, 7, true),
      "it did not select a pre-shared key and the server's signature and the client's signature, which this server requires",
    ],
    [0x81, offer(7, 5, true), "it did not select the client's signature, which this server requires"],
    [0x82, offer(1, 0, false), "invalid mode of the client: 0x82, which this server did not offer"],
    [0x88, offer(7, 0, false), "invalid mode of the client: 0x88, which this server did not offer"],
  ])("%i is rejected with an explanation", (select, against, message) => {
    expect(() => decodeMode(select, against)).toThrow(message);
  });

  const answer = (hex: string, against?: SecurityOffer): { readonly outcome: unknown; readonly asked: number[] } => {
    const running = receiveSelect(against);
    const asked: number[] = [];
    let rest = Buffer.from(hex, "hex");
    try {
      let step = running.next();
      while (step.done !== true) {
        if (step.value.kind !== "receive") throw new Error(`unexpected step ${step.value.kind}`);
        asked.push(step.value.bytes);
        const bytes = rest.subarray(0, step.value.bytes);
        rest = rest.subarray(step.value.bytes);
        step = running.next(bytes);
      }
      return { outcome: step.value.select, asked };
    } catch (error) {
      return { outcome: (error as { readonly code: string }).code, asked };
    }
  };

  test("is checked by its first byte before eight more are read", () => {
    expect(answer("00", offer(0, 0, false))).toEqual({ outcome: undefined, asked: [1] });
    expect(answer("88", offer(7, 0, false))).toEqual({ outcome: "IPC_HANDSHAKE_FAILED", asked: [1] });
    expect(answer("00", offer(1, 1, true))).toEqual({ outcome: "IPC_SECURITY_REFUSED", asked: [1] });
    expect(answer("8100010000 00300000".replace(" ", ""), offer(1, 1, true))).toEqual({
      outcome: { mode: 1, features: 1, maxMessageSize: 3_145_728 },
      asked: [1, 8],
    });
  });

  test.each([
    ["unknown features", "81fff1000000300000"],
    ["the zero bytes", "810001ffff00300000"],
  ])("is read without %s", (_what, hex) => {
    expect(answer(hex, offer(1, 1, true)).outcome).toEqual({ mode: 1, features: 1, maxMessageSize: 3_145_728 });
  });

  test.each([
    ["00000000", "IPC_HANDSHAKE_FAILED"],
    ["40000001", "IPC_HANDSHAKE_FAILED"],
    ["ffffffff", "IPC_HANDSHAKE_FAILED"],
    ["00000001", { mode: 0, features: 1, maxMessageSize: 1 }],
    ["40000000", { mode: 0, features: 1, maxMessageSize: 1_073_741_824 }],
  ])("is accepted or rejected by the limit %s", (limit, outcome) => {
    expect(answer(`8000010000${limit}`, offer(0, 0, false)).outcome).toEqual(outcome);
  });

  test("is one byte of any value without an offer", () => {
    for (const hex of ["00", "80", "ff"]) expect(answer(hex)).toEqual({ outcome: undefined, asked: [1] });
  });
});

function outcomeOf(decode: () => number | undefined): unknown {
  try {
    return decode();
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}
