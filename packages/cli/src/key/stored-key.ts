import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { parsePsk, pemKeys } from "../connection/security.js";
import { CommandError, EXIT } from "../exit-code.js";

/** Tells the fingerprint of a pre-shared key from every other hash of it. */
const PSK_LABEL = "ipc pre-shared key fingerprint";

/** The content of a key file. */
export interface StoredKey {
  readonly kind: "psk" | "identity" | "public";
  /** 32 bytes in base64, as `ipc ping` names a peer; null for a pre-shared key. */
  readonly publicKey: string | null;
  /** The same for both sides that have the key; tells nothing about a secret one. */
  readonly fingerprint: string;
  /** The public key in PEM, as --trust takes it; null for a pre-shared key. */
  readonly pem: string | null;
  /** The key itself, in hex or PEM; null for a public key. */
  readonly secret: string | null;
}

/**
 * Reads the keys of a file: a pre-shared key, an identity, or any number of public keys.
 * @throws CommandError
 */
export function readKeys(path: string): StoredKey[] {
  const bytes = readFile(path);
  const psk = parsePsk(bytes);
  if (psk !== undefined) return [describePsk(psk)];
  const keys = pemKeys(bytes).map((pem) => describePem(path, pem));
  if (keys.length > 0) return keys;
  throw new CommandError(
    EXIT.failed,
    `${path} has ${bytes.length} bytes, and is neither a pre-shared key (32 bytes, in hex or base64 too) nor Ed25519 keys in PEM`,
  );
}

/** Describes a pre-shared key. */
export function describePsk(key: Uint8Array): StoredKey {
  const secret = Buffer.from(key).toString("hex");
  return { kind: "psk", publicKey: null, fingerprint: fingerprintOf(PSK_LABEL, key), pem: null, secret };
}

/** Describes an identity, or a public key. */
export function describeKey(key: KeyObject): StoredKey {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return {
    kind: key.type === "private" ? "identity" : "public",
    publicKey: raw.toString("base64"),
    fingerprint: fingerprintOf("", raw),
    pem: publicKey.export({ format: "pem", type: "spki" }).toString(),
    secret: key.type === "private" ? key.export({ format: "pem", type: "pkcs8" }).toString() : null,
  };
}

/** The cause may quote the file, so it is left out. */
function describePem(path: string, pem: string): StoredKey {
  let key: KeyObject | undefined;
  try {
    key = pem.includes("PRIVATE") ? createPrivateKey(pem) : createPublicKey(pem);
  } catch {
    // Told below.
  }
  if (key?.asymmetricKeyType === "ed25519") return describeKey(key);
  throw new CommandError(EXIT.failed, `${path} has a key that is no Ed25519 key`);
}

function fingerprintOf(label: string, key: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(label).update(key).digest("base64").replace(/=+$/, "")}`;
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandError(EXIT.failed, `cannot read the key: ${(error as Error).message}`, { cause: error });
  }
}
