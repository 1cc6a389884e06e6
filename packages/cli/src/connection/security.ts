import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import type { SecurityOptions } from "@ipc/client";
import { UsageError } from "../exit-code.js";
import type { ConnectionOptions } from "../options/shared-options.js";

const PSK_BYTES = 32;
const PEM_KEY = /-----BEGIN (PUBLIC|PRIVATE) KEY-----[^-]*-----END \1 KEY-----/g;
const PUBLIC_KEY = /-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g;

/** Makes the security options of a client or a server; undefined where none is given. */
export function securityOf(options: ConnectionOptions): SecurityOptions | undefined {
  const { pskFile, keyFile, identity, trust, golangIpc } = options;
  const security: SecurityOptions = {
    ...(golangIpc && { wire: "golang-ipc" }),
    ...(pskFile !== undefined && { psk: readPsk(pskFile) }),
    ...(keyFile !== undefined && { keyFile }),
    ...(identity !== undefined && { identity: readIdentity(identity) }),
    ...(trust !== undefined && { trustedPeers: readTrusted(trust) }),
  };
  return Object.keys(security).length === 0 ? undefined : security;
}

function readPsk(path: string): Uint8Array {
  const bytes = readKeyFile("--psk-file", path);
  const key = parsePsk(bytes);
  if (key !== undefined) return key;
  throw new UsageError(
    `--psk-file takes a file of 32 bytes, of 64 hex digits or of their base64; ${path} has ${bytes.length} bytes and is none of these`,
  );
}

/** Returns the pre-shared key that a file holds: 32 bytes, or a line of 64 hex digits or of base64; undefined if it is none of these. */
export function parsePsk(bytes: Buffer): Uint8Array | undefined {
  if (bytes.length === PSK_BYTES) return bytes;
  const text = bytes.toString("latin1").trim();
  const key = Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? "hex" : "base64");
  return key.length === PSK_BYTES && /^[\w+/-]+=?$/.test(text) ? key : undefined;
}

function readIdentity(path: string): KeyObject {
  const pem = readKeyFile("--identity", path);
  return parseKey("--identity", path, () => createPrivateKey(pem));
}

function readTrusted(path: string): KeyObject[] {
  const keys = readKeyFile("--trust", path).toString("latin1").match(PUBLIC_KEY) ?? [];
  if (keys.length === 0) throw new UsageError(`--trust takes a file of public keys in PEM; ${path} has none`);
  return keys.map((pem) => parseKey("--trust", path, () => createPublicKey(pem)));
}

/** Returns the keys in PEM that a file holds, private ones too. */
export function pemKeys(bytes: Buffer): readonly string[] {
  return bytes.toString("latin1").match(PEM_KEY) ?? [];
}

function readKeyFile(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${option}: ${(error as Error).message}`, { cause: error });
  }
}

/** The cause may quote the file, so it is left out. */
function parseKey(option: string, path: string, parse: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch {
    throw new UsageError(`${option} takes Ed25519 keys in PEM; ${path} cannot be read as one`);
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw new UsageError(`${option} takes Ed25519 keys; ${path} has one of ${key.asymmetricKeyType ?? "another kind"}`);
}
