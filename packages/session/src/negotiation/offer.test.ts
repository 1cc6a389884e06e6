import { describe, expect, test } from "vitest";
import { decodeMaxMessageSize, describeMode, encodeLimitsPlaintext, hasResume, tryDecodeOffer } from "./offer.js";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

const NAME = "4e".repeat(16);
const INSTANCE = "01".repeat(16);
const BEHIND = `0001 0000 ${NAME} ${INSTANCE}`.replaceAll(" ", "");
const OFFER = { features: 1, nameHash: bytes(NAME), instance: bytes(INSTANCE) };

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
  test("has four bytes without an offer, as golang-ipc's", () => {
    expect(hexOf(encodeLimitsPlaintext(3_145_728, undefined))).toBe("00300000");
  });

  test.each(OFFERS)(
    "carries IPCX, version 1, the modes, the features, the name and the instance: %s",
    (_what, accept, require, offer) => {
      const hex = `003000004950435801${accept}${require}00${BEHIND}`;
      expect(hexOf(encodeLimitsPlaintext(3_145_728, { ...offer, ...OFFER }))).toBe(hex);
      expect(tryDecodeOffer(bytes(hex))).toEqual({ ...offer, ...OFFER });
      expect(decodeMaxMessageSize(bytes(hex))).toBe(3_145_728);
    },
  );
});

describe("an offer", () => {
  const full = `003000004950435801018100${BEHIND}`;
  const expected = { accept: 1, require: 1, refusesCompatible: true, ...OFFER };

  test("is absent in every shorter plaintext", () => {
    for (let length = 4; length < 48; length++) expect(tryDecodeOffer(bytes(full).subarray(0, length))).toBeUndefined();
    expect(tryDecodeOffer(bytes(full))).toEqual(expected);
  });

  test.each([
    [16, { ...OFFER, nameHash: bytes("4e") }],
    [16, { ...OFFER, instance: bytes("01".repeat(17)) }],
  ])("rejects a field that is not %i bytes long", (_bytes, fields) => {
    const offer = { accept: 0, require: 0, refusesCompatible: false, ...fields };
    expect(() => encodeLimitsPlaintext(1, offer)).toThrow(RangeError);
  });

  test.each([
    ["another first letter", "4a50435801"],
    ["another last letter", "4950435901"],
    ["small letters", "6970637801"],
    ["version 0", "4950435800"],
    ["version 2", "4950435802"],
    ["another place", "0049504358"],
  ])("is absent with %s", (_what, magic) => {
    expect(tryDecodeOffer(bytes(full.replace("4950435801", magic)))).toBeUndefined();
  });

  test.each([
    ["the zero byte after the modes", `0030000049504358010181ff${BEHIND}`],
    ["the zero bytes after the features", `003000004950435801018100${BEHIND.replace("00010000", "0001ffff")}`],
    ["bytes after the instance", `${full}${"ee".repeat(100)}`],
    ["modes that this version does not know", `003000004950435801f9f900${BEHIND}`],
    ["features that this version does not know", `003000004950435801018100${BEHIND.replace("00010000", "fff10000")}`],
  ])("is read without %s", (_what, hex) => {
    expect(tryDecodeOffer(bytes(hex))).toEqual(expected);
  });

  test("is read from a view into a longer buffer", () => {
    const packet = bytes(`ffff${full}ffff`);
    expect(tryDecodeOffer(packet.subarray(2, 50))).toEqual(expected);
    expect(tryDecodeOffer(packet.subarray(2, 49))).toBeUndefined();
  });
});

test("two sides can resume only if both have control frames too", () => {
  expect([0, 1, 2, 3, 0xffff].map(hasResume)).toEqual([false, false, false, true, true]);
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
