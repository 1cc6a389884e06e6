import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

const HASH = "sha256";
const HASH_BYTES = 32;

/**
 * Extracts a pseudorandom key from secret bytes, which are taken in a row as if joined.
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

/** Makes a key of raw bytes and wipes these. */
export function importKey(raw: Uint8Array): KeyObject {
  const key = createSecretKey(raw);
  raw.fill(0);
  return key;
}
