import { createPublicKey, type KeyObject } from "node:crypto";

/** Bytes of an Ed25519 public key as it travels. */
export const IDENTITY_KEY_BYTES = 32;

/** What stands before the key in a DER SubjectPublicKeyInfo for Ed25519 (RFC 8410, section 4). */
const SPKI_PREFIX: Uint8Array = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Encodes an Ed25519 key as the 32 raw bytes of its public half.
 * @param key a public key, or the private one of an identity
 * @throws TypeError when it is a key of another kind.
 */
export function encodeIdentityKey(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType !== "ed25519")
    throw new TypeError(`key: takes an Ed25519 key, got ${key.asymmetricKeyType ?? key.type}`);
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const der = publicKey.export({ format: "der", type: "spki" });
  return new Uint8Array(der.subarray(SPKI_PREFIX.length));
}

/**
 * Decodes 32 raw bytes into an Ed25519 public key. Bytes that are no point of the curve are taken too: nothing verifies
 * under them.
 * @throws RangeError when they are not 32.
 */
export function decodeIdentityKey(bytes: Uint8Array): KeyObject {
  if (bytes.length !== IDENTITY_KEY_BYTES)
    throw new RangeError(`bytes: takes ${IDENTITY_KEY_BYTES} bytes, got ${bytes.length}`);
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: "der", type: "spki" });
}
