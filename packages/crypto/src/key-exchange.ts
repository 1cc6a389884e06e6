import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPair as generate,
  type KeyObject,
} from "node:crypto";
import { CryptoError } from "./crypto-error.js";
import { importKey } from "./key-schedule.js";

/** Bytes of a P-384 public key on the wire: the uncompressed point `04 ‖ X(48) ‖ Y(48)`. */
export const PUBLIC_KEY_BYTES = 97;

/** Bytes of a P-384 private scalar, and of each coordinate. */
const SCALAR_BYTES = 48;

/** The bytes before the point in a DER SubjectPublicKeyInfo for P-384 (RFC 5480, section 2). */
const SPKI_PREFIX: Uint8Array = Buffer.from("3076301006072a8648ce3d020106052b81040022036200", "hex");

/** One side's keys for one connection. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  /** `04 ‖ X(48) ‖ Y(48)`, 97 bytes. */
  readonly publicKey: Uint8Array;
}

/** Generates a P-384 key pair in the thread pool, so that the event loop is not blocked. */
export function generateKeyPair(): Promise<KeyPair> {
  return new Promise((resolve, reject) => {
    generate("ec", { namedCurve: "P-384" }, (error, publicKey, privateKey) => {
      if (error !== null) {
        reject(error);
        return;
      }
      resolve({ privateKey, publicKey: encodePoint(publicKey) });
    });
  });
}

/**
 * Creates the key pair of a known private scalar, for recorded conversations and test vectors.
 * @throws RangeError when `scalar` is not 48 bytes long.
 */
export function keyPairFromScalar(scalar: Uint8Array): KeyPair {
  if (scalar.length !== SCALAR_BYTES) {
    throw new RangeError(`scalar: takes ${SCALAR_BYTES} bytes, got ${scalar.length}`);
  }
  const d = Buffer.from(scalar).toString("base64url");
  // JWK requires the point too; ECDH computes it from the scalar.
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(scalar);
  const point = ecdh.getPublicKey();
  const x = Buffer.from(point.subarray(1, 1 + SCALAR_BYTES)).toString("base64url");
  const y = Buffer.from(point.subarray(1 + SCALAR_BYTES)).toString("base64url");
  const privateKey = createPrivateKey({ format: "jwk", key: { kty: "EC", crv: "P-384", d, x, y } });
  return { privateKey, publicKey: encodePoint(createPublicKey(privateKey)) };
}

/**
 * Derives the shared secret: the X coordinate of the common point, always 48 bytes.
 * @param publicKey the peer's public key, `04 ‖ X(48) ‖ Y(48)`
 * @throws CryptoError IPC_PUBLIC_KEY_INVALID when it is not 97 bytes, not uncompressed, or not a point of the curve.
 */
export function deriveSharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  return diffieHellman({ privateKey, publicKey: decodePublicKey(publicKey) });
}

/**
 * Derives the AES-256 key of a compatible connection: SHA-256 of the shared X without its leading zero bytes.
 *
 * Go hashes `big.Int.Bytes()`, which drops leading zero bytes; Node keeps all 48. Without stripping them, one handshake in 256
 * would end with two different keys.
 * @see golang-ipc encryption.go, `keyExchange`
 */
export function deriveMessageKey(sharedSecret: Uint8Array): KeyObject {
  let zeros = 0;
  while (zeros < sharedSecret.length && sharedSecret[zeros] === 0) zeros++;
  return importKey(createHash("sha256").update(sharedSecret.subarray(zeros)).digest());
}

/** By way of a JWK, whose coordinates are always 48 bytes (RFC 7518, 6.2.1.2): exporting DER takes seven times as long. */
function encodePoint(key: KeyObject): Uint8Array {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const point = new Uint8Array(PUBLIC_KEY_BYTES);
  point[0] = 0x04;
  point.set(Buffer.from(x, "base64url"), 1);
  point.set(Buffer.from(y, "base64url"), 1 + SCALAR_BYTES);
  return point;
}

function decodePublicKey(point: Uint8Array): KeyObject {
  if (point.length !== PUBLIC_KEY_BYTES || point[0] !== 0x04) {
    throw new CryptoError(
      "IPC_PUBLIC_KEY_INVALID",
      `invalid public key of the peer: ${point.length} bytes starting with ${hexByte(point[0])}, expected ${PUBLIC_KEY_BYTES} bytes starting with 04; the peer does not speak this protocol`,
    );
  }
  try {
    const key = Buffer.concat([SPKI_PREFIX, point]);
    return createPublicKey({ key, format: "der", type: "spki" });
  } catch (cause) {
    throw new CryptoError(
      "IPC_PUBLIC_KEY_INVALID",
      "invalid public key of the peer: not a point of the curve P-384; the peer does not speak this protocol",
      { cause },
    );
  }
}

function hexByte(byte: number | undefined): string {
  return byte === undefined ? "nothing" : byte.toString(16).padStart(2, "0");
}
