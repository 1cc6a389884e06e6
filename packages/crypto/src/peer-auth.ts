import { createHash, createHmac, createPublicKey, type KeyObject, sign, timingSafeEqual, verify } from "node:crypto";
import { CryptoError } from "./crypto-error.js";

/** Everything sent before the keys of `ipcx/1` exist, each item as the bytes on the wire. */
export interface Transcript {
  /** The server's hello, 2 bytes. */
  readonly hello: Uint8Array;
  /** The client's reply to the hello, 1 byte. */
  readonly reply: Uint8Array;
  /** 97 bytes. */
  readonly clientPublicKey: Uint8Array;
  /** 97 bytes. */
  readonly serverPublicKey: Uint8Array;
  /** The server's limits as sent, sealed: `length(4) ‖ P`. */
  readonly limits: Uint8Array;
  /** The client's answer to the offer, 9 bytes. */
  readonly select: Uint8Array;
}

/**
 * Hashes the transcript to 32 bytes, which both sides share only if no byte was changed on the way. Keys and signatures are
 * bound to it.
 *
 * `SHA-256("ipcx/1 transcript" ‖ lp(hello) ‖ … ‖ lp(select))`, lp(b) = `length u32 ‖ b`: the lengths fix the boundaries between
 * items.
 */
export function hashTranscript(transcript: Transcript): Uint8Array {
  const { hello, reply, clientPublicKey, serverPublicKey, limits, select } = transcript;
  const hash = createHash("sha256").update("ipcx/1 transcript");
  const length = Buffer.alloc(4);
  for (const item of [hello, reply, clientPublicKey, serverPublicKey, limits, select]) {
    length.writeUInt32BE(item.length);
    hash.update(length).update(item);
  }
  return new Uint8Array(hash.digest());
}

/** Bytes of an Ed25519 public key on the wire. */
export const IDENTITY_KEY_BYTES = 32;

/** The bytes before the key in a DER SubjectPublicKeyInfo for Ed25519 (RFC 8410, section 4). */
const SPKI_PREFIX: Uint8Array = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Encodes an Ed25519 key as the 32 raw bytes of its public key.
 * @param key a public key, or an identity's private key
 * @throws TypeError for a key of another kind.
 */
export function encodeIdentityKey(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType !== "ed25519")
    throw new TypeError(`key: takes an Ed25519 key, got ${key.asymmetricKeyType ?? key.type}`);
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const der = publicKey.export({ format: "der", type: "spki" });
  return new Uint8Array(der.subarray(SPKI_PREFIX.length));
}

/**
 * Decodes 32 raw bytes into an Ed25519 public key. Bytes that are not a point of the curve are accepted too, because no
 * signature verifies with them, and so are points of small order, which `isWeakIdentityKey` tells.
 * @throws RangeError for another length.
 */
export function decodeIdentityKey(bytes: Uint8Array): KeyObject {
  assertKeyLength(bytes);
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: "der", type: "spki" });
}

function assertKeyLength(bytes: Uint8Array): void {
  if (bytes.length !== IDENTITY_KEY_BYTES)
    throw new RangeError(`bytes: takes ${IDENTITY_KEY_BYTES} bytes, got ${bytes.length}`);
}

/** p = 2^255 − 19, the prime of Curve25519. */
const P = 2n ** 255n - 19n;

/** The top bit of an encoded point is the sign of x, not part of y. */
const Y_MASK = 2n ** 255n - 1n;

/** y of two of the four points of order 8; −y belongs to the other two. */
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** y of the eight points whose order divides 8. The sign of x does not matter: the negative of such a point is another one. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([1n, P - 1n, 0n, ORDER_8_Y, P - ORDER_8_Y]);

/**
 * Returns whether the 32 bytes of an Ed25519 public key are a point of small order, in any encoding, or a y that is not less than
 * p. Under a point of small order a signature made without a private key verifies for one message in eight, or more. No key
 * generator makes either.
 * @throws RangeError for another length.
 * @see RFC 8032, section 5.1.3, and RFC 7748, section 7
 */
export function isWeakIdentityKey(bytes: Uint8Array): boolean {
  assertKeyLength(bytes);
  const y = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`) & Y_MASK;
  return y >= P || SMALL_ORDER_Y.has(y);
}

const MAC_BYTES = 32;
const SIGNATURE_BYTES = 64;
const SIGNED_BYTES = MAC_BYTES + IDENTITY_KEY_BYTES + SIGNATURE_BYTES;

/** The side of a session that proves itself. */
export type Role = "client" | "server";

/** The values to which a side's AUTH is bound; both sides have the same. */
export interface AuthBinding {
  /** The side that sends the AUTH. */
  readonly role: Role;
  /** The `auth` key of that side's direction. */
  readonly key: KeyObject;
  /** 32 bytes, as returned by `hashTranscript`. */
  readonly transcriptHash: Uint8Array;
}

/**
 * Creates the body of a side's AUTH: `HMAC-SHA256(key, transcriptHash ‖ id) ‖ id`. The id is empty without an identity, and
 * `public key(32) ‖ signature(64)` with one.
 * @param identity an Ed25519 private key
 * @throws TypeError when the identity is another key.
 */
export function makeAuth(binding: AuthBinding, identity?: KeyObject): Uint8Array {
  if (identity === undefined) return macOf(binding, new Uint8Array(0));
  const id = Buffer.concat([encodeIdentityKey(identity), sign(null, signedBytes(binding), identity)]);
  return Buffer.concat([macOf(binding, id), id]);
}

/**
 * Verifies the body of the peer's AUTH, whose record tag must have been verified before. Returns the 32 bytes of the peer's
 * public key in memory of their own, or undefined without `trustedPeers`.
 * @param trustedPeers the 32 raw bytes of each key that may sign, as returned by `encodeIdentityKey`: a signature is then
 * required. Without them, none is allowed.
 * @throws CryptoError IPC_AUTHENTICATION_FAILED. RangeError when a trusted key is not 32 bytes.
 */
export function verifyAuth(
  binding: AuthBinding,
  body: Uint8Array,
  trustedPeers?: readonly Uint8Array[],
): Uint8Array | undefined {
  const { role } = binding;
  const wanted = trustedPeers === undefined ? MAC_BYTES : SIGNED_BYTES;
  if (body.length !== wanted) {
    fail(
      `invalid ${role} AUTH: ${body.length} bytes, expected ${wanted} (${MAC_BYTES} without a signature, ${SIGNED_BYTES} with one); the peer violates the selected mode`,
    );
  }
  const id = body.subarray(MAC_BYTES);
  if (!timingSafeEqual(macOf(binding, id), body.subarray(0, MAC_BYTES)))
    fail(`${role} AUTH does not match this handshake; end this connection`);
  if (trustedPeers === undefined) return undefined;
  const publicKey = Uint8Array.from(id.subarray(0, IDENTITY_KEY_BYTES));
  if (!isAmong(publicKey, trustedPeers))
    fail(
      `${role} key not trusted: not among the ${trustedPeers.length} trusted keys; add the key to \`trustedPeers\` if it belongs to the ${role}`,
    );
  if (isWeakIdentityKey(publicKey))
    fail(`the ${role} has a trusted key under which anyone can sign; trust only keys that a key generator made`);
  if (!verify(null, signedBytes(binding), decodeIdentityKey(publicKey), id.subarray(IDENTITY_KEY_BYTES)))
    fail(`invalid ${role} signature: not made with the private key of the trusted public key; end this connection`);
  return publicKey;
}

function macOf({ key, transcriptHash }: AuthBinding, id: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(transcriptHash).update(id).digest();
}

/** Includes the role, so that a signature cannot be reflected to the side that made it. */
function signedBytes({ role, transcriptHash }: AuthBinding): Uint8Array {
  return Buffer.concat([Buffer.from(`ipcx/1 ${role} sig`), transcriptHash]);
}

/** Compares every key, so that the time does not reveal the position of a match. */
function isAmong(publicKey: Uint8Array, trusted: readonly Uint8Array[]): boolean {
  let found = false;
  for (const candidate of trusted) found = timingSafeEqual(publicKey, candidate) || found;
  return found;
}

function fail(message: string): never {
  throw new CryptoError("IPC_AUTHENTICATION_FAILED", message);
}
