import {
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
} from "node:crypto";

const ED25519_SEED_PREFIX = "302e020100300506032b657004220420";

export const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

export function uint32(value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeUInt32BE(value);
  return data;
}

export function lengthPrefixed(data: Buffer): Buffer {
  return Buffer.concat([uint32(data.length), data]);
}

/** The point of a P-384 private key, 97 bytes. */
export function pointOf(privateKey: string): Buffer {
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(bytes(privateKey));
  return ecdh.getPublicKey();
}

/** The x-coordinate that a private key and a point have in common, 48 bytes. */
export function agree(privateKey: string, point: Buffer): Buffer {
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(bytes(privateKey));
  return ecdh.computeSecret(point);
}

/** SHA-256 of X without its leading zero bytes. */
export function golangIpcKey(x: Buffer): Buffer {
  return createHash("sha256")
    .update(x.subarray(x.findIndex((byte) => byte !== 0)))
    .digest();
}

export function identityOf(seed: string): KeyObject {
  return createPrivateKey({ key: bytes(ED25519_SEED_PREFIX + seed), format: "der", type: "pkcs8" });
}

export function publicBytes(identity: KeyObject): Buffer {
  return createPublicKey(identity).export({ format: "der", type: "spki" }).subarray(-32);
}

/** AES-256-GCM: `ciphertext ‖ tag(16)`. */
export function seal(key: Buffer, nonce: Buffer, plaintext: Buffer, additionalData: Buffer = Buffer.alloc(0)): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 }).setAAD(additionalData);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

export function hmac(key: Buffer, ...parts: Buffer[]): Buffer {
  return createHmac("sha256", key).update(Buffer.concat(parts)).digest();
}

export function sha256(...parts: (Buffer | string)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** HKDF-Expand(HKDF-Extract(salt, secret), label, length). */
export function derive(salt: Buffer, secret: Buffer, label: string, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, label, length));
}

/** HKDF-Expand(key, "ipcx/1 rekey", 44): `key(32) ‖ iv(12)`. */
export function rekey(key: Buffer): Buffer {
  const label = Buffer.from("ipcx/1 rekey");
  const first = hmac(key, label, Buffer.of(1));
  return Buffer.concat([first, hmac(key, first, label, Buffer.of(2))]).subarray(0, 44);
}

/** `public key(32) ‖ signature(64)` over the transcript hash. */
export function idOf(side: "client" | "server", seed: string, transcriptHash: Buffer): Buffer {
  const identity = identityOf(seed);
  const signature = sign(null, Buffer.concat([Buffer.from(`ipcx/1 ${side} sig`), transcriptHash]), identity);
  return Buffer.concat([publicBytes(identity), signature]);
}
