import { createSecretKey, hkdfSync } from "node:crypto";
import { assert, integer, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { expand, extract, importKey } from "./key-schedule.js";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const range = (from: number, to: number): Uint8Array => Uint8Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe("HKDF matches RFC 5869, appendix A:", () => {
  test.each([
    {
      name: "A.1, basic",
      secret: new Uint8Array(22).fill(0x0b),
      salt: range(0x00, 0x0c),
      info: range(0xf0, 0xf9),
      prk: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
      okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    },
    {
      name: "A.2, longer than a block",
      secret: range(0x00, 0x4f),
      salt: range(0x60, 0xaf),
      info: range(0xb0, 0xff),
      prk: "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
      okm: "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    },
    {
      name: "A.3, without salt and info",
      secret: new Uint8Array(22).fill(0x0b),
      salt: new Uint8Array(0),
      info: new Uint8Array(0),
      prk: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
      okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    },
  ])("$name", ({ secret, salt, info, prk, okm }) => {
    const key = extract(salt, secret);
    expect(hexOf(key.export())).toBe(prk);
    expect(hexOf(expand(key, info, okm.length / 2))).toBe(okm);
  });
});

test("matches Node's hkdfSync for any input, however the secret is cut", () => {
  assert(
    property(
      uint8Array({ maxLength: 80 }),
      uint8Array({ maxLength: 80 }),
      uint8Array({ maxLength: 80 }),
      uint8Array({ maxLength: 80 }),
      integer({ min: 1, max: 8_160 }),
      (salt, head, tail, info, length) => {
        const whole = hkdfSync("sha256", Buffer.concat([head, tail]), salt, info, length);
        expect(hexOf(expand(extract(salt, head, tail), info, length))).toBe(hexOf(new Uint8Array(whole)));
      },
    ),
  );
});

test("accepts info as text", () => {
  const key = createSecretKey(new Uint8Array(32));
  expect(hexOf(expand(key, "ipcx/1 c key", 32))).toBe(hexOf(expand(key, Buffer.from("ipcx/1 c key"), 32)));
});

test("leaves zeros in the source after a key was taken from its bytes", () => {
  const raw = bytes("0102030405060708");
  expect(hexOf(importKey(raw).export())).toBe("0102030405060708");
  expect(hexOf(raw)).toBe("0000000000000000");
});
