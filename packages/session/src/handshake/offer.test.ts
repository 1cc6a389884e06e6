import { describe, expect, test } from "vitest";
import {
  decodeMaxMessageSize,
  decodeSelect,
  describeMode,
  encodeLimitsPlaintext,
  encodeSelect,
  tryDecodeOffer,
} from "./offer.js";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

const OFFERS = [
  ["no keys", "00", "00", { accept: 0, require: 0, refusesCompatible: false }],
  ["no keys, and insists on a secure session", "00", "80", { accept: 0, require: 0, refusesCompatible: true }],
  ["a pre-shared key", "01", "00", { accept: 1, require: 0, refusesCompatible: false }],
  ["a pre-shared key, and insists on it", "01", "81", { accept: 1, require: 1, refusesCompatible: true }],
  ["its own signature", "02", "82", { accept: 2, require: 2, refusesCompatible: true }],
  ["clients' signatures", "04", "84", { accept: 4, require: 4, refusesCompatible: true }],
  ["everything", "07", "87", { accept: 7, require: 7, refusesCompatible: true }],
] as const;

describe("the plaintext of the limits", () => {
  test("is golang-ipc's where nothing is offered", () => {
    expect(hexOf(encodeLimitsPlaintext(3_145_728, undefined))).toBe("00300000");
  });

  test.each(OFFERS)(
    "has behind it IPCX, version 1, what is accepted and what is required: %s",
    (_what, accept, require, offer) => {
      const hex = `003000004950435801${accept}${require}00`;
      expect(hexOf(encodeLimitsPlaintext(3_145_728, offer))).toBe(hex);
      expect(tryDecodeOffer(bytes(hex))).toEqual(offer);
      expect(decodeMaxMessageSize(bytes(hex))).toBe(3_145_728);
    },
  );
});

describe("an offer", () => {
  test.each([
    ["nothing behind the size", "00300000"],
    ["all but the last byte", "0030000049504358010100"],
    ["another first letter", "003000004a50435801010000"],
    ["another last letter", "003000004950435901010000"],
    ["small letters", "003000006970637801010000"],
    ["version 0", "003000004950435800010000"],
    ["version 2", "003000004950435802010000"],
    ["another place", "00300000004950435801010000"],
  ])("is none with %s", (_what, hex) => {
    expect(tryDecodeOffer(bytes(hex))).toBeUndefined();
  });

  test.each([
    ["the reserved byte", "0030000049504358010181ff"],
    ["whatever follows", `003000004950435801018100${"ee".repeat(100)}`],
    ["modes that this version does not know", "003000004950435801f9f900"],
  ])("is read without %s", (_what, hex) => {
    expect(tryDecodeOffer(bytes(hex))).toEqual({ accept: 1, require: 1, refusesCompatible: true });
  });

  test("is read from a view into something longer", () => {
    const packet = bytes("ffff003000004950435801010000ffff");
    expect(tryDecodeOffer(packet.subarray(2, 14))).toEqual({ accept: 1, require: 0, refusesCompatible: false });
    expect(tryDecodeOffer(packet.subarray(2, 13))).toBeUndefined();
  });
});

describe("a select", () => {
  const offer = (accept: number, require: number, refusesCompatible: boolean) => ({
    accept,
    require,
    refusesCompatible,
  });

  test("is 80 and the mode", () => {
    expect([0, 1, 6, 7].map(encodeSelect)).toEqual([0x80, 0x81, 0x86, 0x87]);
  });

  /** What every byte means to a server, by the rules of docs/WIRE.md. */
  test("of every byte against every offer is taken, passed over or refused", () => {
    for (let accept = 0; accept < 8; accept++) {
      for (let require = 0; require < 8; require++) {
        if ((require & ~accept) !== 0) continue;
        for (const refuses of [true, false]) {
          for (let select = 0; select < 256; select++) {
            const outcome = outcomeOf(() => decodeSelect(select, offer(accept, require, refuses)));
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
  ])("%i is refused in words", (select, against, message) => {
    expect(() => decodeSelect(select, against)).toThrow(message);
  });
});

test("modes have names", () => {
  expect([0, 1, 2, 4, 7].map(describeMode)).toEqual([
    "keys",
    "a pre-shared key",
    "the server's signature",
    "the client's signature",
    "a pre-shared key and the server's signature and the client's signature",
  ]);
});

function outcomeOf(decode: () => number | undefined): unknown {
  try {
    return decode();
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}
