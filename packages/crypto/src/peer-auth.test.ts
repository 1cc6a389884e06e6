import { createHmac, createPublicKey, createSecretKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CryptoError } from "./crypto-error.js";
import { type AuthBinding, encodeIdentityKey, makeAuth, type Role, verifyAuth } from "./peer-auth.js";

const RAW_KEY = new Uint8Array(32).fill(0x42);
const HASH = new Uint8Array(32).fill(0x7a);
const bindingOf = (role: Role): AuthBinding => ({ role, key: createSecretKey(RAW_KEY), transcriptHash: HASH });
const CLIENT = bindingOf("client");

const [mine, other] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
const [myKey, otherKey] = [encodeIdentityKey(mine.publicKey), encodeIdentityKey(other.publicKey)];

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  Uint8Array.from(bytes).with(at, (bytes[at] as number) ^ 0x01);

function refusalOf(binding: AuthBinding, body: Uint8Array, trusted?: readonly Uint8Array[]): CryptoError {
  try {
    verifyAuth(binding, body, trusted);
  } catch (error) {
    expect(error).toBeInstanceOf(CryptoError);
    expect(error).toMatchObject({ code: "IPC_AUTHENTICATION_FAILED" });
    return error as CryptoError;
  }
  throw new Error("nothing was thrown");
}

/** An AUTH with a right HMAC over whatever id. */
function macked(id: Uint8Array): Uint8Array {
  return Buffer.concat([createHmac("sha256", RAW_KEY).update(HASH).update(id).digest(), id]);
}

describe("an AUTH without an identity", () => {
  test("is the HMAC-SHA256 of the transcript's hash, and verifies", () => {
    expect(hexOf(makeAuth(CLIENT))).toBe(createHmac("sha256", RAW_KEY).update(HASH).digest("hex"));
    expect(verifyAuth(CLIENT, makeAuth(CLIENT))).toBeUndefined();
  });

  test("is rejected when any byte is changed", () => {
    const body = makeAuth(CLIENT);
    for (let at = 0; at < body.length; at++) {
      expect(refusalOf(CLIENT, flipped(body, at)).message).toContain("client AUTH does not match this handshake");
    }
  });

  test("is rejected at any other length", () => {
    for (let length = 0; length <= 160; length++) {
      if (length === 32) continue;
      expect(refusalOf(CLIENT, new Uint8Array(length)).message).toContain(`AUTH: ${length} bytes, expected 32`);
    }
  });

  test("is rejected under another key or for another handshake", () => {
    refusalOf({ ...CLIENT, key: createSecretKey(new Uint8Array(32)) }, makeAuth(CLIENT));
    refusalOf({ ...CLIENT, transcriptHash: flipped(HASH, 31) }, makeAuth(CLIENT));
  });

  test("is rejected when trusted keys are set", () => {
    expect(refusalOf(CLIENT, makeAuth(CLIENT), [myKey]).message).toContain("AUTH: 32 bytes, expected 128");
    expect(refusalOf(CLIENT, makeAuth(CLIENT), []).message).toContain("AUTH: 32 bytes, expected 128");
  });
});

describe.each(["client", "server"] as const)("an AUTH with the identity of a %s", (role) => {
  const binding = bindingOf(role);
  const body = makeAuth(binding, mine.privateKey);

  test("is HMAC ‖ public key ‖ Ed25519 signature over the side's label and the hash", () => {
    expect(body).toHaveLength(128);
    const id = body.subarray(32);
    expect(hexOf(body)).toBe(hexOf(macked(id)));
    expect(hexOf(id.subarray(0, 32))).toBe(hexOf(myKey));
    const signed = Buffer.concat([Buffer.from(`ipcx/1 ${role} sig`), HASH]);
    expect(verify(null, signed, mine.publicKey, id.subarray(32))).toBe(true);
  });

  test.each([
    ["alone", [myKey]],
    ["first", [myKey, otherKey]],
    ["last", [otherKey, otherKey, myKey]],
  ])("verifies when its key is trusted, %s, and returns the key", (_what, trusted) => {
    const key = verifyAuth(binding, body, trusted);
    expect(key && hexOf(key)).toBe(hexOf(myKey));
    expect(key?.buffer).not.toBe(body.buffer);
  });

  test("is rejected when its key is not trusted", () => {
    expect(refusalOf(binding, body, [otherKey]).message).toContain(
      `${role} key not trusted: not among the 1 trusted keys`,
    );
    expect(refusalOf(binding, body, []).message).toContain("not among the 0 trusted keys");
  });

  test("is rejected when no signature was agreed on", () => {
    expect(refusalOf(binding, body).message).toContain("AUTH: 128 bytes, expected 32");
  });

  test("is rejected when any byte is changed", () => {
    for (let at = 0; at < body.length; at++) refusalOf(binding, flipped(body, at), [myKey]);
  });

  test("is rejected when any byte of the signature is changed and the HMAC is right", () => {
    const id = body.subarray(32);
    for (let at = 32; at < id.length; at++) {
      expect(refusalOf(binding, macked(flipped(id, at)), [myKey]).message).toContain(
        "signature: not made with the private key",
      );
    }
  });

  test("is rejected at any other length", () => {
    for (const length of [0, 32, 64, 127, 129, 192]) refusalOf(binding, Buffer.alloc(length, body), [myKey]);
  });
});

describe("a signature", () => {
  const idOf = (binding: AuthBinding, key = mine): Uint8Array => makeAuth(binding, key.privateKey).subarray(32);

  test("is rejected when it was made with another key than the one sent with it", () => {
    const id = Buffer.concat([myKey, idOf(CLIENT, other).subarray(32)]);
    expect(refusalOf(CLIENT, macked(id), [myKey]).message).toContain("signature: not made with the private key");
  });

  test("is rejected when it was made for the other side or for another handshake", () => {
    refusalOf(CLIENT, macked(idOf(bindingOf("server"))), [myKey]);
    refusalOf(CLIENT, macked(idOf({ ...CLIENT, transcriptHash: flipped(HASH, 0) })), [myKey]);
  });

  test("is rejected without a crash when the trusted bytes are no point of the curve", () => {
    for (const byte of [0x00, 0x01, 0xff]) {
      const unusable = new Uint8Array(32).fill(byte);
      refusalOf(CLIENT, macked(Buffer.concat([unusable, idOf(CLIENT).subarray(32)])), [unusable]);
    }
  });
});

test("accepts only an Ed25519 private key as identity", () => {
  expect(() => makeAuth(CLIENT, createPublicKey(mine.privateKey))).toThrow(TypeError);
  expect(() => makeAuth(CLIENT, generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey)).toThrow(
    new TypeError("key: takes an Ed25519 key, got ec"),
  );
});

test("throws a RangeError, not a CryptoError, when a trusted key is not 32 bytes long", () => {
  expect(() => verifyAuth(CLIENT, makeAuth(CLIENT, mine.privateKey), [new Uint8Array(31)])).toThrow(RangeError);
});

test("shows no key in any error message", () => {
  const body = makeAuth(CLIENT, mine.privateKey);
  const messages = [refusalOf(CLIENT, body, [otherKey]), refusalOf(CLIENT, flipped(body, 0), [myKey])].map(
    ({ message }) => message,
  );
  for (const secret of [hexOf(myKey), hexOf(otherKey), hexOf(RAW_KEY), hexOf(HASH)]) {
    expect(messages.filter((message) => message.includes(secret.slice(0, 8)))).toEqual([]);
  }
});
