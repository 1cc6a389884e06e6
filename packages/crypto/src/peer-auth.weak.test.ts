import { createHmac, createSecretKey, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decodeIdentityKey, encodeIdentityKey, isWeakIdentityKey, verifyAuth } from "./peer-auth.js";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

/** Every encoding of the eight points: y as it is, and where it is below 19, y + p, each with both signs of x. */
const SMALL_ORDER = [
  ["order 1", `01${"00".repeat(31)}`],
  ["order 2", `ec${"ff".repeat(30)}7f`],
  ["order 4", "00".repeat(32)],
  ["order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"],
  ["order 8, the other y", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"],
  ["order 4 as y = p", `ed${"ff".repeat(30)}7f`],
  ["order 1 as y = p + 1", `ee${"ff".repeat(30)}7f`],
].flatMap(([what, hex]) =>
  [0, 0x80].map((sign): [string, Uint8Array] => {
    const key = bytes(hex as string);
    key[31] = (key[31] as number) | sign;
    return [`${what}, sign ${sign >> 7}`, key];
  }),
);

/** A signature made without a private key: R is the neutral point, S is 0. It verifies if h · A is neutral, h being a hash of the message. */
const FORGED = Buffer.concat([bytes(`01${"00".repeat(31)}`), new Uint8Array(32)]);

describe("a point of small order", () => {
  test.each(SMALL_ORDER)("is weak when OpenSSL accepts a signature made without a private key: %s", (_what, key) => {
    expect(isWeakIdentityKey(key)).toBe(true);
    const publicKey = decodeIdentityKey(key);
    const accepted = Array.from({ length: 400 }, () => verify(null, randomBytes(8), publicKey, FORGED));
    expect(accepted).toContain(true);
  });

  test.each(SMALL_ORDER)("is rejected when it is among the trusted keys: %s", (_what, key) => {
    const secret = createSecretKey(new Uint8Array(32));
    const id = Buffer.concat([key, FORGED]);
    for (let count = 0; count < 64; count++) {
      const transcriptHash = new Uint8Array(32).fill(count);
      const mac = createHmac("sha256", secret).update(transcriptHash).update(id).digest();
      const binding = { role: "client", key: secret, transcriptHash } as const;
      expect(() => verifyAuth(binding, Buffer.concat([mac, id]), [key])).toThrow(
        expect.objectContaining({
          code: "IPC_AUTHENTICATION_FAILED",
          message:
            "the client has a trusted key under which anyone can sign; trust only keys that a key generator made",
        }),
      );
    }
  });
});

test("rejects every y from p up, because no key generator encodes a point that way", () => {
  for (let low = 0xed; low <= 0xff; low++) {
    for (const high of ["7f", "ff"])
      expect(isWeakIdentityKey(bytes(`${low.toString(16)}${"ff".repeat(30)}${high}`))).toBe(true);
  }
});

test("accepts generated keys and a y next to a weak one", () => {
  for (let count = 0; count < 50; count++) {
    expect(isWeakIdentityKey(encodeIdentityKey(generateKeyPairSync("ed25519").publicKey))).toBe(false);
  }
  const beside = [
    `02${"00".repeat(31)}`,
    `eb${"ff".repeat(30)}7f`,
    "27e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  ];
  expect(beside.map((hex) => isWeakIdentityKey(bytes(hex)))).toEqual([false, false, false]);
});

test.each([0, 31, 33])("rejects a key of %i bytes, as decodeIdentityKey does", (length) => {
  for (const check of [isWeakIdentityKey, decodeIdentityKey]) {
    expect(() => check(new Uint8Array(length))).toThrow(new RangeError(`bytes: takes 32 bytes, got ${length}`));
  }
});
