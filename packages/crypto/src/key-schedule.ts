import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { NONCE_BYTES } from "./nonce-source.js";

/** Bytes of a pre-shared key, and of every derived key. */
export const PSK_BYTES = 32;

const KEY_BYTES = 32;
const SHARED_SECRET_BYTES = 48;

/** The keys that seal one direction's records until the next rekeying. */
export interface TrafficKeys {
  /** AES-256. */
  readonly key: KeyObject;
  /** 12 bytes; the nonce of a record is `iv XOR (00000000 ‖ seq u64)`. */
  readonly iv: Uint8Array;
}

/** The keys of one direction: its sender seals records with them and proves itself with `auth`. */
export interface DirectionKeys extends TrafficKeys {
  /** The HMAC key of that side's AUTH. */
  readonly auth: KeyObject;
}

/** All keys of one secure session. */
export interface SessionKeys {
  /** For data that the client sends. */
  readonly client: DirectionKeys;
  /** For data that the server sends. */
  readonly server: DirectionKeys;
  /** For secrets of other protocols that are bound to this session. */
  readonly exporter: KeyObject;
}

/**
 * Creates a pre-shared key from its bytes; wiping these is up to the caller.
 * @throws RangeError for another length than 32.
 */
export function importPsk(bytes: Uint8Array): KeyObject {
  if (bytes.length !== PSK_BYTES) throw new RangeError(`psk: takes ${PSK_BYTES} bytes, got ${bytes.length}`);
  return createSecretKey(bytes);
}

/**
 * Derives the keys of a session: HKDF-SHA256 with the transcript's hash as salt and `X(48) ‖ psk(32)` as secret.
 *
 * X keeps its leading zero bytes here, unlike in `deriveMessageKey`. It is not wiped: the caller may try another psk with it
 * and must wipe it in the end.
 * @param transcriptHash 32 bytes, as returned by `hashTranscript`
 * @param sharedSecret X, 48 bytes, as returned by `deriveSharedSecret`
 * @param psk 32 bytes, as returned by `importPsk`; without one, 32 zero bytes take its place
 * @throws RangeError when X or the psk has another length.
 */
export function deriveSessionKeys(transcriptHash: Uint8Array, sharedSecret: Uint8Array, psk?: KeyObject): SessionKeys {
  if (sharedSecret.length !== SHARED_SECRET_BYTES)
    throw new RangeError(`sharedSecret: takes ${SHARED_SECRET_BYTES} bytes, got ${sharedSecret.length}`);
  if (psk !== undefined && psk.symmetricKeySize !== PSK_BYTES)
    throw new RangeError(`psk: takes a secret key of ${PSK_BYTES} bytes, got ${psk.symmetricKeySize ?? psk.type}`);
  const pskBytes = psk?.export() ?? new Uint8Array(PSK_BYTES);
  const secret = extract(transcriptHash, sharedSecret, pskBytes);
  pskBytes.fill(0);
  return {
    client: deriveDirection(secret, "c"),
    server: deriveDirection(secret, "s"),
    exporter: expandKey(secret, "ipcx/1 exporter"),
  };
}

/** Derives the next keys. The derivation is one-way: an attacker with the new keys cannot open older records. */
export function rekey({ key }: TrafficKeys): TrafficKeys {
  const output = expand(key, "ipcx/1 rekey", KEY_BYTES + NONCE_BYTES);
  return { key: importKey(output.subarray(0, KEY_BYTES)), iv: output.subarray(KEY_BYTES) };
}

function deriveDirection(secret: KeyObject, role: "c" | "s"): DirectionKeys {
  return {
    key: expandKey(secret, `ipcx/1 ${role} key`),
    iv: expand(secret, `ipcx/1 ${role} iv`, NONCE_BYTES),
    auth: expandKey(secret, `ipcx/1 ${role} auth`),
  };
}

function expandKey(secret: KeyObject, info: string): KeyObject {
  return importKey(expand(secret, info, KEY_BYTES));
}

const HASH = "sha256";
const HASH_BYTES = 32;

/**
 * Extracts a pseudorandom key from secret bytes, which are processed as if joined.
 * @see RFC 5869, section 2.2
 */
export function extract(salt: Uint8Array, ...secrets: readonly Uint8Array[]): KeyObject {
  const hmac = createHmac(HASH, salt);
  for (const secret of secrets) hmac.update(secret);
  return importKey(hmac.digest());
}

/**
 * Expands a key into `bytes` bytes, 1 … 8 160, which the caller wipes. Node's `hkdfSync` cannot: it always extracts first.
 * @see RFC 5869, section 2.3
 */
export function expand(key: KeyObject, info: string | Uint8Array, bytes: number): Uint8Array {
  const output = new Uint8Array(bytes);
  let block: Uint8Array = new Uint8Array(0);
  for (let at = 0, count = 1; at < bytes; at += HASH_BYTES, count++) {
    const next = createHmac(HASH, key).update(block).update(info).update(Uint8Array.of(count)).digest();
    output.set(next.subarray(0, bytes - at), at);
    block.fill(0);
    block = next;
  }
  block.fill(0);
  return output;
}

/** Creates a key from raw bytes and wipes these. */
export function importKey(raw: Uint8Array): KeyObject {
  const key = createSecretKey(raw);
  raw.fill(0);
  return key;
}
