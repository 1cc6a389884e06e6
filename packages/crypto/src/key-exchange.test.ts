import { createECDH, createHash, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { assert, constantFrom, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { CryptoError } from "./crypto-error.js";
import {
  deriveMessageKey,
  deriveSharedSecret,
  generateKeyPair,
  keyPairFromScalar,
  PUBLIC_KEY_BYTES,
} from "./key-exchange.js";

type Exchange = Readonly<
  Record<"client private key" | "server private key" | "client key" | "server key" | "X" | "golang-ipc key", string>
>;

const file = new URL("../../../internal/conformance/vectors/ipcx-1.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as {
  readonly sessions: readonly [Exchange];
  readonly "leading zero": Exchange;
};
const {
  sessions: [keyExchange],
  "leading zero": leadingZero,
} = vectors;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array | KeyObject): string =>
  Buffer.from(data instanceof Uint8Array ? data : data.export()).toString("hex");

describe("the golden key exchange", () => {
  const client = keyPairFromScalar(bytes(keyExchange["client private key"]));
  const server = keyPairFromScalar(bytes(keyExchange["server private key"]));

  test("gives the recorded public keys", () => {
    expect(hexOf(client.publicKey)).toBe(keyExchange["client key"]);
    expect(hexOf(server.publicKey)).toBe(keyExchange["server key"]);
  });

  test("gives both sides the recorded X and the recorded key", () => {
    for (const x of [
      deriveSharedSecret(client.privateKey, server.publicKey),
      deriveSharedSecret(server.privateKey, client.publicKey),
    ]) {
      expect(hexOf(x)).toBe(keyExchange.X);
      expect(hexOf(deriveMessageKey(x))).toBe(keyExchange["golang-ipc key"]);
    }
  });
});

describe("a shared X that starts with a zero byte (golang-ipc: row 16)", () => {
  const client = keyPairFromScalar(bytes(leadingZero["client private key"]));
  const server = keyPairFromScalar(bytes(leadingZero["server private key"]));
  const x = deriveSharedSecret(client.privateKey, bytes(leadingZero["server key"]));

  test("keeps its 48 bytes", () => {
    expect(hexOf(server.publicKey)).toBe(leadingZero["server key"]);
    expect(hexOf(x)).toBe(leadingZero.X);
    expect(hexOf(deriveSharedSecret(server.privateKey, client.publicKey))).toBe(leadingZero.X);
  });

  test("is hashed without that byte, as Go does: hashing 48 bytes gives another key", () => {
    expect(hexOf(deriveMessageKey(x))).toBe(leadingZero["golang-ipc key"]);
    expect(createHash("sha256").update(x).digest("hex")).not.toBe(leadingZero["golang-ipc key"]);
  });

  test.each([
    ["no zero byte", "0100ff00", "0100ff00"],
    ["one", "0001ff00", "01ff00"],
    ["several", "00000001", "01"],
    ["zeros within", "00010001", "010001"],
  ])("loses only its leading zeros in the hash: %s", (_what, shared, hashed) => {
    expect(hexOf(deriveMessageKey(bytes(shared)))).toBe(createHash("sha256").update(bytes(hashed)).digest("hex"));
  });

  test("does not change when a key is derived from it", () => {
    const before = hexOf(x);
    deriveMessageKey(x);
    expect(hexOf(x)).toBe(before);
  });
});

describe("a generated key pair", () => {
  test("has a new uncompressed point and agrees on X with any other pair", async () => {
    const [one, other] = await Promise.all([generateKeyPair(), generateKeyPair()]);
    for (const { publicKey } of [one, other]) {
      expect(publicKey).toHaveLength(PUBLIC_KEY_BYTES);
      expect(publicKey[0]).toBe(0x04);
      expect(Object.getPrototypeOf(publicKey)).toBe(Uint8Array.prototype);
    }
    expect(hexOf(one.publicKey)).not.toBe(hexOf(other.publicKey));
    const x = deriveSharedSecret(one.privateKey, other.publicKey);
    expect(x).toHaveLength(48);
    expect(hexOf(x)).toBe(hexOf(deriveSharedSecret(other.privateKey, one.publicKey)));
  });

  test("has the private key that belongs to its public key", async () => {
    const { privateKey, publicKey } = await generateKeyPair();
    const { d } = privateKey.export({ format: "jwk" });
    expect(hexOf(keyPairFromScalar(Buffer.from(d as string, "base64url")).publicKey)).toBe(hexOf(publicKey));
  });
});

test.each([
  ["X", 463],
  ["Y", 831],
])("keeps 97 bytes for a point whose %s starts with a zero byte", (_coordinate, scalar) => {
  const bytesOfScalar = new Uint8Array(48);
  new DataView(bytesOfScalar.buffer).setUint16(46, scalar);
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(bytesOfScalar);
  const { publicKey } = keyPairFromScalar(bytesOfScalar);
  expect(hexOf(publicKey)).toBe(ecdh.getPublicKey("hex"));
  expect([publicKey[1], publicKey[49]]).toContain(0);
});

test.each([0, 47, 49])("rejects a scalar of %i bytes", (length) => {
  expect(() => keyPairFromScalar(new Uint8Array(length))).toThrow(
    new RangeError(`scalar: takes 48 bytes, got ${length}`),
  );
});

describe("an invalid public key", () => {
  const { privateKey, publicKey } = keyPairFromScalar(bytes(keyExchange["client private key"]));

  function refusalOf(point: Uint8Array): unknown {
    try {
      return deriveSharedSecret(privateKey, point);
    } catch (error) {
      return error;
    }
  }

  function expectRefused(point: Uint8Array, message: string): void {
    const error = refusalOf(point);
    expect(error).toBeInstanceOf(CryptoError);
    expect(error).toMatchObject({ code: "IPC_PUBLIC_KEY_INVALID", message: expect.stringContaining(message) });
  }

  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(bytes(keyExchange["server private key"]));
  const fill = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);
  const withFirst = (byte: number): Uint8Array => Uint8Array.of(byte, ...publicKey.subarray(1));

  test.each([
    ["nothing", fill(0, 0), ": 0 bytes starting with nothing"],
    ["one byte too few", publicKey.subarray(0, 96), "96 bytes starting with 04, expected 97 bytes starting with 04"],
    ["one byte too many", Uint8Array.of(...publicKey, 0), ": 98 bytes starting with 04"],
    ["the compressed form", new Uint8Array(ecdh.getPublicKey(null, "compressed")), ": 49 bytes starting with 0"],
    ["the hybrid form", new Uint8Array(ecdh.getPublicKey(null, "hybrid")), ": 97 bytes starting with 0"],
    ["the point at infinity, one byte", fill(0, 1), ": 1 bytes starting with 00"],
    ["the point at infinity, 97 zero bytes", fill(0, 97), ": 97 bytes starting with 00"],
    ["a compressed form filled up to 97 bytes", withFirst(0x02), ": 97 bytes starting with 02"],
    // Row 10 of upstream-defects.md: golang-ipc crashes on these bytes.
    ["97 junk bytes", fill(0x41, 97), ": 97 bytes starting with 41"],
  ])("is rejected for its form: %s", (_what, point, message) => {
    expectRefused(point, message);
  });

  const P = `${"ff".repeat(31)}feffffffff0000000000000000ffffffff`;
  const y = hexOf(publicKey).slice(98);
  test.each([
    ["04 and zeros, another writing of infinity", `04${"00".repeat(96)}`],
    ["04 and ff", `04${"ff".repeat(96)}`],
    ["04 and junk", `04${"41".repeat(96)}`],
    ["an X of the field's prime", `04${P}${y}`],
    ["an X with the Y of another point", `04${hexOf(publicKey).slice(2, 98)}${keyExchange["server key"].slice(98)}`],
  ])("is rejected as no point of the curve, with OpenSSL's reason as cause: %s", (_what, hex) => {
    const point = bytes(hex);
    expect(point).toHaveLength(97);
    expectRefused(point, "not a point of the curve P-384");
    expect((refusalOf(point) as CryptoError).cause).toBeInstanceOf(Error);
  });

  test("is rejected when it is a valid point with one byte changed", () => {
    for (let at = 0; at < publicKey.length; at++) {
      const changed = publicKey.slice();
      changed[at] = (changed[at] as number) ^ 0x01;
      expect(refusalOf(changed)).toMatchObject({ name: "CryptoError", code: "IPC_PUBLIC_KEY_INVALID" });
    }
  });

  test("is rejected when it is 97 random bytes", () => {
    assert(
      property(constantFrom(0x04, 0x41), uint8Array({ minLength: 96, maxLength: 96 }), (first, rest) => {
        expect(refusalOf(Uint8Array.of(first, ...rest))).toMatchObject({ code: "IPC_PUBLIC_KEY_INVALID" });
      }),
      { numRuns: 300 },
    );
  });
});
