import { createPrivateKey, createSecretKey, generateKeyPairSync } from "node:crypto";
import { assert, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { decodeIdentityKey, encodeIdentityKey } from "./peer-auth.js";

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

// RFC 8032, section 7.1, test 1.
const SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const privateKey = createPrivateKey({
  format: "jwk",
  key: {
    kty: "OKP",
    crv: "Ed25519",
    d: Buffer.from(SECRET, "hex").toString("base64url"),
    x: Buffer.from(PUBLIC, "hex").toString("base64url"),
  },
});

test("gives a private key and its public half the same 32 bytes", () => {
  expect(hexOf(encodeIdentityKey(privateKey))).toBe(PUBLIC);
  expect(hexOf(encodeIdentityKey(decodeIdentityKey(Buffer.from(PUBLIC, "hex"))))).toBe(PUBLIC);
});

test("encodes a decoded key to the same 32 bytes, also as a JWK, in memory of their own", () => {
  assert(
    property(uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const key = decodeIdentityKey(bytes);
      expect(key).toMatchObject({ type: "public", asymmetricKeyType: "ed25519" });
      expect(key.export({ format: "jwk" }).x).toBe(Buffer.from(bytes).toString("base64url"));
      const encoded = encodeIdentityKey(key);
      expect(hexOf(encoded)).toBe(hexOf(bytes));
      expect(Object.getPrototypeOf(encoded)).toBe(Uint8Array.prototype);
      expect(encoded.buffer.byteLength).toBe(32);
    }),
  );
});

test.each([0, 31, 33, 64])("rejects a key of %i bytes", (length) => {
  expect(() => decodeIdentityKey(new Uint8Array(length))).toThrow(
    new RangeError(`bytes: takes 32 bytes, got ${length}`),
  );
});

test.each([
  ["x25519", generateKeyPairSync("x25519").publicKey],
  ["ec", generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey],
  ["secret", createSecretKey(new Uint8Array(32))],
])("rejects a key of the kind %s", (kind, key) => {
  expect(() => encodeIdentityKey(key)).toThrow(new TypeError(`key: takes an Ed25519 key, got ${kind}`));
});
